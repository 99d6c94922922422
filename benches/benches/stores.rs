//! What a store costs a request: a fresh key, duplicates, contention, and a store that is full.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

#[path = "stores/redis.rs"]
mod redis;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::future::join_all;
use idem_benches::records::{key, lease, outcome, put, unbounded};
use idem_core::{IdempotencyStore, MemoryLimits, MemoryStore, store::Outcome};
use idem_momento::MomentoStore;
use momento_emulator::Emulator;
use tokio::runtime::{Builder, Runtime};

/// Each store joins with one line here.
fn all(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let emulator = Emulator::start().expect("the stand-in starts");
    let _inside = runtime.enter();
    store(criterion, &runtime, "memory", &unbounded());
    store(criterion, &runtime, "momento stand-in", &momento(&emulator));
    if let Some(server) = redis::server() {
        let connected = runtime.block_on(redis::store(&server));
        store(
            criterion,
            &runtime,
            "redis",
            &connected.expect("it takes the store"),
        );
    }
    full(criterion, &runtime);
    expiring(criterion, &runtime);
}

/// Over a socket on loopback, to a thread of its own.
fn momento(emulator: &Emulator) -> MomentoStore {
    emulator.create_cache("requests");
    MomentoStore::new(emulator.client(Duration::from_secs(5)), "requests")
}

fn store(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &impl IdempotencyStore) {
    let mut group = criterion.benchmark_group(format!("store/{name}"));
    let outcome = outcome(200);
    let mut number = 1000;
    // The most that a handler's caller waits for.
    group.bench_function("claim and complete, fresh key", |bencher| {
        bencher.iter(|| {
            number += 1;
            runtime.block_on(put(store, key(number), &outcome));
        });
    });
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
    // The response comes with the answer.
    runtime.block_on(put(store, key(2), &outcome));
    group.bench_function("replay", |bencher| {
        bencher
            .iter(|| runtime.block_on(async { black_box(store.claim(&key(2), &lease(1)).await) }));
    });
    // The same for another request under the key, whose response goes to nobody.
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
            number += 1;
            let leases: [_; 16] = std::array::from_fn(|_| lease(1));
            let key = key(number);
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
