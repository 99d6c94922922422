//! What it takes to know a request again: its key and its fingerprint, beside SHA-256 of the same bytes.

use std::hint::black_box;

use criterion::Throughput;
use idem_benches::{
    PostOrders, Spelling, order,
    payloads::{ADVERSARIAL, value_and_sort},
};
use idem_core::{FingerprintRules, IdempotencyKey, RecordKey};
use sha2::{Digest, Sha256};

use crate::summary::{Summary, keeps_busy, time, times};

const HASH: &str = "SHA-256 of the same bytes";

/// Of all payloads that are made to be slow, the one that takes the longest for a byte.
const SLOWEST: &str = "numbers that grow";

pub(crate) fn measure(summary: &mut Summary) {
    key(summary);
    for (name, bytes) in [("200 B", 200), ("1 KiB", 1 << 10)] {
        orders(summary, name, bytes);
    }
    slowest(summary);
}

/// From the header's bytes to the name of the record.
fn key(summary: &mut Summary) {
    let takes = summary.job("key", "parse and derive", Throughput::Elements(1), || {
        let key = IdempotencyKey::parse(black_box(b"\"8e03978e-40d5-43e8-bc93-6894a57f9324\""));
        key.map(|key| RecordKey::derive("market", None, &key))
    });
    let what = "key: read it, and name its record";
    summary.row(what, takes, String::new(), keeps_busy(takes));
}

fn orders(summary: &mut Summary, name: &str, bytes: usize) {
    let group = format!("fingerprint, {name}");
    let in_order = order(bytes, Spelling::InOrder);
    let hash = hash(summary, &group, &in_order);
    for (said, spelling) in [
        ("in order", Spelling::InOrder),
        ("out of order", Spelling::OutOfOrder),
    ] {
        let takes = fingerprint(summary, &group, said, &order(bytes, spelling));
        let what = format!("fingerprint of {name} of JSON, {said}");
        summary.row(&what, takes, times(takes, hash, HASH), keeps_busy(takes));
    }
    if name == "1 KiB" {
        let bytes = Throughput::Bytes(in_order.len() as u64);
        let tree = summary.job(&group, "serde_json::Value, sorted, hashed", bytes, || {
            value_and_sort(black_box(&in_order))
        });
        let what = "… beside a tree of `serde_json::Value`, sorted and hashed";
        summary.row(what, tree, times(tree, hash, HASH), keeps_busy(tree));
    }
}

fn slowest(summary: &mut Summary) {
    let Some((name, payload)) = ADVERSARIAL.into_iter().find(|(name, _)| *name == SLOWEST) else {
        return summary.left_out(format!(
            "a payload made to be slow, for there are no {SLOWEST}"
        ));
    };
    let payload = payload(1 << 20);
    let hash = hash(summary, "fingerprint, 1 MiB", &payload);
    let takes = fingerprint(summary, "fingerprint, 1 MiB", name, &payload);
    let means = takes.map_or_else(String::new, |takes| {
        format!("each such request holds a core for {}", time(takes))
    });
    let what = "fingerprint of 1 MiB made to be slow";
    summary.row(what, takes, times(takes, hash, HASH), means);
}

fn hash(summary: &mut Summary, group: &str, payload: &[u8]) -> Option<f64> {
    let bytes = Throughput::Bytes(payload.len() as u64);
    summary.job(group, "SHA-256 of the bytes", bytes, || {
        Sha256::digest(black_box(payload))
    })
}

fn fingerprint(summary: &mut Summary, group: &str, name: &str, payload: &[u8]) -> Option<f64> {
    let rules = FingerprintRules::default();
    let bytes = Throughput::Bytes(payload.len() as u64);
    summary.job(group, name, bytes, || {
        rules.fingerprint(&PostOrders, black_box(payload))
    })
}
