//! What a store costs a request: a claim and its completion, and the claim of a duplicate.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use idem_core::{
    Fingerprint, IdempotencyStore, Identity, Lease, MemoryLimits, MemoryStore, Outcome, RecordKey,
    Response,
};
use tokio::runtime::{Builder, Runtime};

const LEASE: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(3600);

fn key(number: u64) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    RecordKey::from_bytes(bytes)
}

fn lease() -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([1; 32])), LEASE)
}

fn outcome() -> Outcome {
    let headers = [("content-type", b"application/json".as_slice())]
        .into_iter()
        .collect();
    Response::new(201, headers, Bytes::from_static(&[b'x'; 200])).into()
}

async fn claim_and_complete(store: &impl IdempotencyStore, key: RecordKey, outcome: &Outcome) {
    let lease = lease();
    let _ = black_box(store.claim(&key, &lease).await);
    let _ = black_box(store.complete(&key, &lease, outcome, RETENTION).await);
}

/// Each store joins with one line here.
fn all(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    let limits = MemoryLimits::default()
        .records(usize::MAX)
        .bytes(usize::MAX);
    store(
        criterion,
        &runtime,
        "memory",
        &MemoryStore::with_limits(limits),
    );
}

fn store(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &impl IdempotencyStore) {
    let mut group = criterion.benchmark_group(name);
    let outcome = outcome();
    let mut number = 0;
    group.bench_function("claim and complete, fresh key", |bencher| {
        bencher.iter(|| {
            number += 1;
            runtime.block_on(claim_and_complete(store, key(number), &outcome));
        });
    });
    runtime.block_on(claim_and_complete(store, key(0), &outcome));
    group.bench_function("claim of a completed key", |bencher| {
        bencher
            .iter(|| runtime.block_on(async { black_box(store.claim(&key(0), &lease()).await) }));
    });
    group.finish();
}

criterion_group!(benches, all);
criterion_main!(benches);
