//! What a store takes for what happens less often: a failed request, a mismatch, contention, a full store.
//!
//! Claims, completions and retries are in the overview, which is `cargo bench -p idem-benches`.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod each;

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use idem_benches::records::{key, lease, outcome, put, unbounded};
use idem_core::{IdempotencyStore, MemoryLimits, MemoryStore, store::Outcome};
use tokio::runtime::{Builder, Runtime};

use crate::each::{Opened, open_each};

fn all(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let _inside = runtime.enter();
    let (stores, left_out) = open_each(&runtime);
    for mut opened in stores {
        store(criterion, &runtime, &mut opened);
    }
    full(criterion, &runtime);
    expiring(criterion, &runtime);
    for why in left_out {
        println!("Left out: {why}.");
    }
}

/// What the overview does not measure; claims and completions are there.
fn store(criterion: &mut Criterion, runtime: &Runtime, opened: &mut Opened) {
    let mut group = criterion.benchmark_group(format!("store/{}", opened.name));
    group.throughput(Throughput::Elements(1));
    let store = Arc::clone(&opened.store);
    let outcome = outcome(200);
    // A handler that fails frees its key.
    group.bench_function("claim and release", |bencher| {
        bencher.iter(|| {
            let lease = lease(1);
            runtime.block_on(async {
                let _ = black_box(store.claim(&key(1), &lease).await);
                let _ = black_box(store.release(&key(1), &lease).await);
            });
        });
    });
    runtime.block_on(put(&*store, key(2), &outcome));
    // Another request under the key: the response is not for it.
    group.bench_function("mismatch", |bencher| {
        bencher
            .iter(|| runtime.block_on(async { black_box(store.claim(&key(2), &lease(2)).await) }));
    });
    // A duplicate while the original runs.
    let running = lease(1);
    let _ = runtime.block_on(store.claim(&key(3), &running));
    group.bench_function("in progress", |bencher| {
        bencher
            .iter(|| runtime.block_on(async { black_box(store.claim(&key(3), &lease(1)).await) }));
    });
    // Sixteen claims of one fresh key at once, of which one is owned.
    group.bench_function("contended, 16 claims", |bencher| {
        bencher.iter(|| {
            let key = key(1_000 + opened.next_number());
            let leases: [_; 16] = std::array::from_fn(|_| lease(1));
            let claims = leases.iter().map(|lease| store.claim(&key, lease));
            black_box(runtime.block_on(join_all(claims)))
        });
    });
    group.finish();
}

/// A full store looks for what has run out, and refuses.
fn full(criterion: &mut Criterion, runtime: &Runtime) {
    let store = MemoryStore::with_limits(MemoryLimits::default().records(100_000));
    runtime.block_on(async {
        for number in 0..100_000 {
            put(&store, key(number), &outcome(0)).await;
        }
    });
    criterion.bench_function("store/memory/claim refused at capacity", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async { black_box(store.claim(&key(200_000), &lease(1)).await) })
        });
    });
}

/// Fresh keys whose records run out in a second, and are swept along the way.
fn expiring(criterion: &mut Criterion, runtime: &Runtime) {
    let store = unbounded();
    let outcome = outcome(200);
    let mut number = 0;
    criterion.bench_function("store/memory/claim and complete, expiring", |bencher| {
        bencher.iter(|| {
            number += 1;
            runtime.block_on(put_for_a_second(&store, number, &outcome));
        });
    });
}

async fn put_for_a_second(store: &MemoryStore, number: u64, outcome: &Outcome) {
    let (key, lease) = (key(number), lease(1));
    let _ = black_box(store.claim(&key, &lease).await);
    let retention = Duration::from_secs(1);
    let _ = black_box(store.complete(&key, &lease, outcome, retention).await);
}

criterion_group!(benches, all);
criterion_main!(benches);
