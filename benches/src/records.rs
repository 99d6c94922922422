//! Keys, leases and responses for stores to hold.

use std::time::Duration;

use bytes::Bytes;
use idem_core::{
    IdempotencyStore, MemoryLimits, MemoryStore, RecordKey, Response,
    store::{Fingerprint, Identity, Lease, Outcome},
};

/// A lease that outlasts each bench.
pub const LEASE: Duration = Duration::from_secs(300);

/// What applications set unless they choose.
pub const RETENTION: Duration = Duration::from_secs(3600);

/// The key of a number: spread as digests are.
#[must_use]
pub fn key(number: u64) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    RecordKey::from_bytes(bytes)
}

/// A new lease for a request of which `request` tells it from others.
#[must_use]
pub fn lease(request: u8) -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([request; 32])), LEASE)
}

/// A created resource, with a content type and a body of so many bytes.
#[must_use]
pub fn outcome(bytes: usize) -> Outcome {
    let headers = [("content-type", b"application/json".as_slice())]
        .into_iter()
        .collect();
    Response::new(201, headers, Bytes::from(vec![b'x'; bytes])).into()
}

/// A memory store that takes all that memory holds.
#[must_use]
pub fn unbounded() -> MemoryStore {
    let limits = MemoryLimits::default()
        .records(usize::MAX)
        .bytes(usize::MAX);
    MemoryStore::with_limits(limits)
}

/// Claims the key and completes it, as an execution does.
///
/// # Panics
/// If the store fails.
pub async fn put(store: &(impl IdempotencyStore + ?Sized), key: RecordKey, outcome: &Outcome) {
    let lease = lease(1);
    let claim = store.claim(&key, &lease).await;
    let _ = claim.expect("the store takes claims");
    let completed = store.complete(&key, &lease, outcome, RETENTION).await;
    let _ = completed.expect("the store takes completions");
}
