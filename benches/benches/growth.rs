//! How the memory store's cost grows: with the keys that are live, and with the tasks that call.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::{hint::black_box, time::Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use futures_util::future::join_all;
use idem_benches::records::{key, lease, outcome, put, unbounded};
use idem_core::{IdempotencyStore, MemoryStore};
use tokio::runtime::Builder;

/// A fresh key that is freed again, and a replay, beside so many live keys.
fn live_keys(criterion: &mut Criterion) {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let counts = [1_000, 10_000, 100_000, 1_000_000, 4_000_000];
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    let mut group = criterion.benchmark_group("growth/live keys");
    // What is only tried need not be filled.
    for live in counts.into_iter().filter(|live| !is_test || *live < 10_000) {
        let (store, outcome) = (unbounded(), outcome(200));
        runtime.block_on(async {
            for number in 0..live {
                put(&store, key(number), &outcome).await;
            }
        });
        group.bench_with_input(
            BenchmarkId::new("claim and release", live),
            &live,
            |bencher, _| {
                let mut number = live;
                bencher.iter(|| {
                    number += 1;
                    runtime.block_on(claim_and_release(&store, number));
                });
            },
        );
        group.bench_with_input(BenchmarkId::new("replay", live), &live, |bencher, _| {
            let mut number = 0;
            bencher.iter(|| {
                // A stride that visits all of them in no order.
                number = (number + 7_919) % live;
                runtime.block_on(async { black_box(store.claim(&key(number), &lease(1)).await) })
            });
        });
    }
    group.finish();
}

async fn claim_and_release(store: &MemoryStore, number: u64) {
    let (key, lease) = (key(number), lease(1));
    let _ = black_box(store.claim(&key, &lease).await);
    let _ = black_box(store.release(&key, &lease).await);
}

/// So many tasks on all cores, each with keys of its own; the time is that of one call of them all.
fn tasks(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    let mut group = criterion.benchmark_group("growth/tasks");
    for tasks in [1, 2, 4, 8, 16, 32, 64_u64] {
        let store = unbounded();
        group.bench_with_input(BenchmarkId::from_parameter(tasks), &tasks, |bencher, _| {
            bencher.iter_custom(|calls| {
                let start = Instant::now();
                runtime.block_on(join_all((0..tasks).map(|task| {
                    let store = store.clone();
                    runtime.spawn(async move {
                        for call in 0..calls.div_ceil(tasks) {
                            claim_and_release(&store, task << 32 | call).await;
                        }
                    })
                })));
                start.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, live_keys, tasks);
criterion_main!(benches);
