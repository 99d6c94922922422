//! No value that an application can set panics, or takes the protection away.

use std::time::Duration;

use idem_core::{
    Idempotency, LeaseTerm, MemoryLimits, MemoryStore, OnLeaseEnd, Policy, Refusal, Response,
    adapter::Begin, store::NotKept,
};
use tokio::time::{advance, timeout};

use crate::support::{INSTANT, SECOND, admit, begin, executing, keep, slow};

const DURATIONS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_millis(1),
    Duration::from_secs(u32::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

/// Executes, with a duplicate meanwhile and one afterwards, which gets the response.
async fn protects(policy: Policy, term: Option<LeaseTerm>) {
    let after = afterwards(policy, term).await;
    assert!(matches!(after, Begin::Replay(_)), "{after:?}");
}

/// Executes, with a duplicate meanwhile; answers what one gets afterwards.
async fn afterwards(policy: Policy, term: Option<LeaseTerm>) -> Begin {
    let idempotency = Idempotency::new(MemoryStore::new(), policy);
    let request = || {
        let request = admit(&idempotency);
        match term {
            Some(term) => request.lease(term),
            None => request,
        }
    };
    let execution = executing(idempotency.begin(request(), b"{}").await);
    let duplicate = idempotency.begin(request(), b"{}").await;
    let Begin::Refused(refusal @ Refusal::InProgress { retry_after }) = duplicate else {
        panic!("{duplicate:?}: {idempotency:?}");
    };
    assert!(retry_after >= SECOND);
    let _: Response = refusal.to_response(idempotency.policy());
    execution.run(slow(3 * INSTANT, "done")).await.unwrap();
    let after = idempotency.begin(request(), b"{}").await;
    timeout(INSTANT, idempotency.drain()).await.unwrap();
    after
}

#[tokio::test(start_paused = true)]
async fn durations_of_nothing_and_of_for_ever_protect() {
    for end in [OnLeaseEnd::TakeOver, OnLeaseEnd::Refuse] {
        for duration in DURATIONS {
            let policy = || Policy::reference().on_lease_end(end);
            protects(policy().lease(duration), None).await;
            protects(policy().retention(duration), None).await;
            protects(policy().store_timeout(duration), None).await;
            protects(policy().retry_after(move |_| duration), None).await;
            protects(policy().lease(duration).retention(duration), None).await;
            protects(policy(), Some(LeaseTerm::fixed(duration))).await;
            protects(policy(), Some(LeaseTerm::renewed(duration))).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sizes_of_nothing_and_of_all_protect() {
    for bytes in [0, 1, usize::MAX] {
        protects(Policy::reference().max_request_bytes(bytes), None).await;
    }
    protects(Policy::reference().max_response_bytes(usize::MAX), None).await;
    // The response does not fit, but that the work was done is remembered.
    for bytes in [0, 1] {
        let after = afterwards(Policy::reference().max_response_bytes(bytes), None).await;
        let not_kept = Refusal::NotKept(NotKept::TooLarge);
        assert!(
            matches!(&after, Begin::Refused(refusal) if *refusal == not_kept),
            "{bytes}: {after:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_no_time_or_without_a_place_is_none() {
    for (at_most, places) in [
        (Duration::ZERO, 5),
        (SECOND, 0),
        (Duration::MAX, 0),
        (Duration::ZERO, 0),
        (Duration::ZERO, usize::MAX),
    ] {
        let policy = Policy::reference().wait(at_most, places);
        let idempotency = Idempotency::new(MemoryStore::new(), policy);
        std::mem::forget(begin(&idempotency).await);
        let duplicate = timeout(Duration::ZERO, begin(&idempotency)).await.unwrap();
        assert!(
            matches!(duplicate, Begin::Refused(Refusal::InProgress { .. })),
            "{at_most:?}, {places}: {duplicate:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_for_ever_ends_with_the_original() {
    let policy = Policy::reference().wait(Duration::MAX, usize::MAX);
    let idempotency = Idempotency::new(MemoryStore::new(), policy);
    let execution = executing(begin(&idempotency).await);
    let (_, duplicate) = tokio::join!(
        execution.run(slow(100 * SECOND, "done")),
        begin(&idempotency)
    );
    assert!(matches!(duplicate, Begin::Replay(_)), "{duplicate:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_with_room_for_nothing_refuses_and_one_with_room_for_all_takes() {
    let none = MemoryLimits::default();
    for limits in [none.records(0), none.bytes(0), none.records(0).bytes(0)] {
        let store = MemoryStore::with_limits(limits);
        let full = begin(&Idempotency::new(store, Policy::reference())).await;
        assert!(
            matches!(full, Begin::Refused(Refusal::StoreUnavailable)),
            "{full:?}"
        );
    }
    let limits = none.records(usize::MAX).bytes(usize::MAX);
    let store = MemoryStore::with_limits(limits);
    let idempotency = Idempotency::new(store, Policy::reference().retention(Duration::MAX));
    let execution = executing(begin(&idempotency).await);
    execution.run(async { (keep("done"), ()) }).await.unwrap();
    advance(Duration::from_secs(50 * 365 * 24 * 60 * 60)).await;
    assert!(matches!(begin(&idempotency).await, Begin::Replay(_)));
}
