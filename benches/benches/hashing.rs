//! What it costs to know a request again: its key, and its fingerprint against plain SHA-256.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use idem_benches::{
    PostOrders, Spelling, order,
    payloads::{ADVERSARIAL, value_and_sort},
};
use idem_core::{FingerprintRules, IdempotencyKey, RecordKey};
use sha2::{Digest, Sha256};

/// From the header's bytes to the name of the record.
fn key(criterion: &mut Criterion) {
    criterion.bench_function("key/parse and derive", |bencher| {
        bencher.iter(|| {
            let key = IdempotencyKey::parse(black_box(b"\"8e03978e-40d5-43e8-bc93-6894a57f9324\""));
            key.map(|key| RecordKey::derive("market", None, &key))
        });
    });
}

/// The fingerprint of an order, by size and spelling; the baseline hashes the same bytes and
/// nothing else.
fn fingerprint(criterion: &mut Criterion) {
    let rules = FingerprintRules::default();
    for (name, bytes) in [
        ("200 B", 200),
        ("1 KiB", 1 << 10),
        ("16 KiB", 1 << 14),
        ("1 MiB", 1 << 20),
    ] {
        let mut group = criterion.benchmark_group(format!("fingerprint/{name}"));
        let payload = order(bytes, Spelling::InOrder);
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function("sha-256 of the bytes", |bencher| {
            bencher.iter(|| Sha256::digest(black_box(&payload)));
        });
        for spelling in [Spelling::InOrder, Spelling::OutOfOrder, Spelling::Pretty] {
            let payload = order(bytes, spelling);
            group.bench_with_input(
                BenchmarkId::from_parameter(format!("{spelling:?}")),
                &payload,
                |bencher, payload| {
                    bencher.iter(|| rules.fingerprint(&PostOrders, black_box(payload)));
                },
            );
        }
        group.bench_function("parse, sort and hash", |bencher| {
            bencher.iter(|| value_and_sort(black_box(&payload)));
        });
        group.finish();
    }
}

/// The fingerprint of what an attacker might send.
fn adversarial(criterion: &mut Criterion) {
    let rules = FingerprintRules::default();
    let mut group = criterion.benchmark_group("fingerprint/1 MiB, adversarial");
    group.sample_size(10);
    for (name, payload) in ADVERSARIAL {
        let payload = payload(1 << 20);
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| rules.fingerprint(&PostOrders, black_box(&payload)));
        });
    }
    group.finish();
}

criterion_group!(benches, key, fingerprint, adversarial);
criterion_main!(benches);
