//! When a record is gone.

use std::time::Duration;

use idem_core::{
    IdempotencyStore, MemoryStore,
    store::{Claim, Record},
};
use tokio::time::advance;

use super::{INSTANT, LEASE, RETENTION, complete, holders, is_owned, key, lease, outcome, put};

// S55
#[tokio::test(start_paused = true)]
async fn a_record_is_there_just_before_its_retention_ends_and_absent_at_it() {
    let store = MemoryStore::new();
    put(&store, 1, 10, RETENTION).await;
    advance(RETENTION - INSTANT).await;
    assert!(!is_owned(&store, 1).await);
    advance(INSTANT).await;
    assert!(is_owned(&store, 1).await);
}

// S55
#[tokio::test(start_paused = true)]
async fn retention_counts_from_completion() {
    let store = MemoryStore::new();
    let lease = lease();
    let _ = store.claim(&key(1), &lease).await.unwrap();
    advance(LEASE - INSTANT).await;
    let _ = store
        .complete(&key(1), &lease, &outcome(10), RETENTION)
        .await
        .unwrap();
    advance(RETENTION - INSTANT).await;
    assert!(!is_owned(&store, 1).await);
    advance(INSTANT).await;
    assert!(is_owned(&store, 1).await);
}

#[tokio::test(start_paused = true)]
async fn a_lease_ends_at_its_end_and_tells_what_remains() {
    let store = MemoryStore::new();
    let _ = store.claim(&key(1), &lease()).await.unwrap();
    advance(LEASE - INSTANT).await;
    let Claim::Taken(Record::Pending(pending)) = store.claim(&key(1), &lease()).await.unwrap()
    else {
        panic!("the lease still runs");
    };
    assert_eq!(pending.remaining(), Some(INSTANT));
    advance(INSTANT).await;
    assert!(is_owned(&store, 1).await);
}

// S56
#[tokio::test(start_paused = true)]
async fn what_ran_out_is_absent_before_it_is_swept() {
    let store = MemoryStore::new();
    let short = Duration::from_millis(10);
    let outcome = outcome(10);
    complete(&store, 1, &outcome, short).await;
    complete(&store, 2, &outcome, short).await;
    advance(short).await;
    assert_eq!(holders(&outcome), 2, "nothing was swept yet");
    assert!(is_owned(&store, 1).await);
    let late = store.renew(&key(2), &lease()).await.unwrap();
    assert_eq!(late, idem_core::store::Fenced::Lost);
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_do_no_harm() {
    let store = MemoryStore::new();
    put(&store, 1, 10, Duration::MAX).await;
    advance(Duration::from_secs(10 * 365 * 24 * 3600)).await;
    assert!(!is_owned(&store, 1).await);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_replaced_another_is_not_swept_in_its_place() {
    let store = MemoryStore::new();
    // It expires in a moment; the record that takes its place lives on.
    put(&store, 1, 10, Duration::from_millis(10)).await;
    advance(Duration::from_millis(20)).await;
    put(&store, 1, 10, RETENTION).await;
    tokio::time::sleep(RETENTION - Duration::from_secs(1)).await;
    assert!(!is_owned(&store, 1).await);
    assert_eq!(store.records(), 1);
}

#[tokio::test(start_paused = true)]
async fn sweeping_starts_again_after_the_store_was_empty() {
    let store = MemoryStore::new();
    for round in 0..3 {
        let outcome = outcome(16);
        complete(&store, round, &outcome, Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(holders(&outcome), 0, "round {round}");
    }
}

#[test]
fn sweeping_starts_again_on_another_runtime() {
    let store = MemoryStore::new();
    for round in 0..3 {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true);
        runtime.build().unwrap().block_on(async {
            let outcome = outcome(16);
            complete(&store, round, &outcome, RETENTION).await;
            assert_eq!(holders(&outcome), 1, "round {round}");
            tokio::time::sleep(RETENTION * 2).await;
            assert_eq!(holders(&outcome), 0, "round {round}");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_completed_late_in_an_empty_store_is_swept_too() {
    let store = MemoryStore::new();
    let lease = lease();
    let _ = store.claim(&key(1), &lease).await.unwrap();
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!(
        store.records(),
        0,
        "the lease ran out, and the task has ended"
    );
    let outcome = outcome(10);
    let _ = store
        .complete(&key(1), &lease, &outcome, RETENTION)
        .await
        .unwrap();
    tokio::time::sleep(RETENTION * 2).await;
    assert_eq!(holders(&outcome), 0);
}
