//! Memory comes back, without anybody calling for it.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::{alloc::System, time::Duration};

use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, MemoryLimits, MemoryStore, RecordKey, Response,
    store::{Fingerprint, Identity, Lease},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::sync::Mutex;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The tests measure the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn key(number: u64) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    RecordKey::from_bytes(bytes)
}

fn lease() -> Lease {
    let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
    Lease::new(identity, Duration::from_secs(30))
}

// S58
#[tokio::test(start_paused = true)]
async fn a_million_records_are_swept_and_their_memory_is_given_back() {
    const RECORDS: usize = 1_000_000;
    let _alone = ONE_AT_A_TIME.lock().await;
    let store = MemoryStore::with_limits(MemoryLimits::default().records(2 * RECORDS));
    let before = held();
    for number in 0..RECORDS as u64 {
        let (key, lease) = (key(number), lease());
        let response = Response::new(201, Headers::default(), Bytes::from(vec![1; 16]));
        let _ = store.claim(&key, &lease).await.unwrap();
        let retention = Duration::from_secs(5);
        let _ = store
            .complete(&key, &lease, &response.into(), retention)
            .await
            .unwrap();
    }
    assert_eq!(store.records(), RECORDS);
    let full = held() - before;
    assert!(full > RECORDS * 100, "{full} bytes for {RECORDS} records");

    tokio::time::sleep(Duration::from_secs(60)).await;
    let left = held().saturating_sub(before);
    assert!(left < full / 50, "{left} of {full} bytes are left");
    assert_eq!((store.records(), store.bytes()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_released_and_claimed_again_leave_nothing_behind() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let store = MemoryStore::new();
    let before = held();
    for _ in 0..200_000 {
        let lease = lease();
        let _ = store.claim(&key(1), &lease).await.unwrap();
        let _ = store.release(&key(1), &lease).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    let left = held().saturating_sub(before);
    assert!(left < 1_000_000, "{left} bytes are left");
}
