//! What is the memory store's own: its bounds, and expiry that needs nobody to call.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod bounds;
mod expiry;
mod keys;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, MemoryStore, RecordKey, Response,
    store::{Claim, Fingerprint, Identity, Lease, Outcome},
};

const INSTANT: Duration = Duration::from_millis(1);
const LEASE: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(3600);

fn key(number: u64) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    RecordKey::from_bytes(bytes)
}

fn lease() -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([1; 32])), LEASE)
}

fn outcome(bytes: usize) -> Outcome {
    Response::new(201, Headers::default(), Bytes::from(vec![b'x'; bytes])).into()
}

/// How many records hold an outcome, swept or not.
fn holders(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Response(response) => Arc::strong_count(response) - 1,
        Outcome::NotKept(_) => unreachable!("it has a response"),
    }
}

async fn is_owned(store: &MemoryStore, key: u64) -> bool {
    store.claim(&self::key(key), &lease()).await.unwrap() == Claim::Owned
}

/// Claims and completes.
async fn put(store: &MemoryStore, key: u64, bytes: usize, retention: Duration) {
    complete(store, key, &outcome(bytes), retention).await;
}

async fn complete(store: &MemoryStore, key: u64, outcome: &Outcome, retention: Duration) {
    let lease = lease();
    let key = self::key(key);
    assert_eq!(store.claim(&key, &lease).await.unwrap(), Claim::Owned);
    let _ = store
        .complete(&key, &lease, outcome, retention)
        .await
        .unwrap();
}
