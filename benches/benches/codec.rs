//! What it costs a remote store to write a record as bytes, and to read it.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use idem_benches::records::{lease, outcome};
use idem_core::store::{decode, encode_completed, encode_pending};

fn codec(criterion: &mut Criterion) {
    let lease = lease(1);
    criterion.bench_function("codec/encode a lease", |bencher| {
        bencher.iter(|| encode_pending(black_box(&lease)));
    });
    for (name, bytes) in [("200 B", 200), ("64 KiB", 1 << 16)] {
        let outcome = outcome(bytes);
        let encoded = Bytes::from(encode_completed(&lease, &outcome));
        let mut group = criterion.benchmark_group(format!("codec/{name}"));
        group.throughput(Throughput::Bytes(encoded.len() as u64));
        group.bench_function("encode", |bencher| {
            bencher.iter(|| encode_completed(black_box(&lease), black_box(&outcome)));
        });
        group.bench_function("decode", |bencher| {
            bencher.iter(|| decode(black_box(&encoded)));
        });
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
