//! A full store refuses, and drops nothing that is live.

use std::time::Duration;

use bytes::Bytes;
use idem_core::{
    IdempotencyStore, MemoryLimits, MemoryStore, Response,
    store::{Fenced, StoreErrorKind},
};
use tokio::time::advance;

use super::{INSTANT, LEASE, RETENTION, is_owned, key, lease, outcome, put};

// S57
#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_claims_and_keeps_what_it_has() {
    let store = MemoryStore::with_limits(MemoryLimits::default().records(2));
    put(&store, 1, 10, RETENTION).await;
    let pending = lease();
    let _ = store.claim(&key(2), &pending).await.unwrap();

    let error = store.claim(&key(3), &lease()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
    assert!(!error.may_have_landed());
    assert!(!is_owned(&store, 1).await && !is_owned(&store, 2).await);
    // What was admitted is recorded.
    let completed = store
        .complete(&key(2), &pending, &outcome(10), RETENTION)
        .await;
    assert_eq!(completed.unwrap(), Fenced::Held);
}

// S57
#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_and_count_the_response() {
    let store = MemoryStore::with_limits(MemoryLimits::default().bytes(10_000));
    put(&store, 1, 9_900, RETENTION).await;
    assert!(store.bytes() > 9_900, "{store:?}");
    let error = store.claim(&key(2), &lease()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
}

#[tokio::test(start_paused = true)]
async fn many_short_header_lines_are_counted_as_what_they_take() {
    let store = MemoryStore::new();
    let (lease, lines) = (lease(), [("a", &b""[..]); 1_000]);
    let response = Response::new(200, lines.into_iter().collect(), Bytes::new());
    assert_eq!(response.size(), 1_000, "their names");
    let _ = store.claim(&key(1), &lease).await.unwrap();
    let _ = store
        .complete(&key(1), &lease, &response.into(), RETENTION)
        .await
        .unwrap();
    assert!(store.bytes() >= 9_000, "{store:?}");
}

// S56
#[tokio::test(start_paused = true)]
async fn what_ran_out_makes_room_at_once() {
    let store = MemoryStore::with_limits(MemoryLimits::default().records(2));
    put(&store, 1, 10, RETENTION).await;
    assert!(is_owned(&store, 2).await);
    assert!(store.claim(&key(3), &lease()).await.is_err());
    advance(LEASE * 2).await;
    assert!(is_owned(&store, 3).await, "the lease of 2 ran out");
}

#[tokio::test(start_paused = true)]
async fn a_released_key_gives_its_room_back() {
    let store = MemoryStore::with_limits(MemoryLimits::default().records(1));
    for number in 0..100 {
        let lease = lease();
        let _ = store.claim(&key(number), &lease).await.unwrap();
        assert_eq!(
            store.release(&key(number), &lease).await.unwrap(),
            Fenced::Held
        );
    }
    assert_eq!((store.records(), store.bytes()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn at_the_instant_at_which_a_record_runs_out_it_counts_for_no_limit_and_no_figure() {
    for limits in [
        MemoryLimits::default().records(2),
        MemoryLimits::default().bytes(10_000),
    ] {
        // In the middle of a second, at its ends, and far off.
        for milliseconds in [
            1, 10, 500, 999, 1_000, 1_001, 63_999, 64_000, 64_500, 4_096_000, 5_000_500,
        ] {
            for late in [0, 300, 999] {
                let retention = Duration::from_millis(milliseconds);
                let store = MemoryStore::with_limits(limits);
                advance(Duration::from_millis(late)).await;
                put(&store, 1, 5_000, retention).await;
                put(&store, 2, 5_000, retention + RETENTION).await;
                // What is live and looked at again and again stays.
                for _ in 0..3 {
                    let full = store.claim(&key(3), &lease()).await.unwrap_err();
                    assert_eq!(full.kind(), StoreErrorKind::Full);
                }
                advance(retention - INSTANT).await;
                assert!(
                    store.claim(&key(3), &lease()).await.is_err(),
                    "{retention:?}"
                );
                assert_eq!(store.records(), 2);
                assert!(!is_owned(&store, 1).await);
                advance(INSTANT).await;
                assert!(is_owned(&store, 3).await, "{retention:?}, {late} ms");
                assert_eq!(store.records(), 2);
                assert!(!is_owned(&store, 2).await);
                advance(RETENTION).await;
                assert_eq!((store.records(), store.bytes()), (0, 0));
            }
        }
    }
}
