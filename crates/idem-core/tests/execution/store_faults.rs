//! The store fails before, during and after an execution.

use std::time::Duration;

use idem_core::{
    Idempotency, IdempotencyStore, OnStoreFailure, Policy, Refusal, Verdict,
    adapter::Begin,
    store::{Claim, MockIdempotencyStore, Operation, StoreErrorKind},
};
use idem_store_tests::Fault;
use tokio::time::{Instant, advance};

use crate::support::{Engine, LEASE, SECOND, keep};

const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

// S51
#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_refuses_the_request_within_its_timeout() {
    for fault in [
        UNAVAILABLE,
        Fault::Mute,
        Fault::Refused(StoreErrorKind::Full),
    ] {
        let engine = Engine::new();
        engine.store.fail(Operation::Claim, fault);
        let started = Instant::now();
        let begin = engine.begin("{}").await;
        assert!(
            matches!(begin, Begin::Refused(Refusal::StoreUnavailable)),
            "{begin:?}"
        );
        assert!(started.elapsed() <= 2 * SECOND, "{:?}", started.elapsed());
        engine.store.heal();
        assert_eq!(engine.duplicate().await, "execute", "it works again");
    }
}

// S51
#[tokio::test(start_paused = true)]
async fn a_policy_may_go_on_unprotected() {
    let policy = Policy::reference().on_store_failure(OnStoreFailure::RunUnprotected);
    let engine = Engine::with(policy);
    engine.store.fail(Operation::Claim, UNAVAILABLE);
    assert!(matches!(engine.begin("{}").await, Begin::Unprotected));
    assert_eq!(engine.log.lines(), ["unprotected"]);
}

// S52
#[tokio::test(start_paused = true)]
async fn a_claim_whose_reply_was_lost_is_the_same_request_s_own() {
    for fault in [Fault::ReplyLost, Fault::LandsMute] {
        let engine = Engine::new();
        engine.store.fail_next(Operation::Claim, fault);
        engine.succeed().await;
        assert_eq!(engine.duplicate().await, "done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_did_not_land_is_not_asked_again() {
    let engine = Engine::new();
    engine.store.fail(Operation::Claim, UNAVAILABLE);
    let _ = engine.begin("{}").await;
    assert_eq!(engine.store.calls(Operation::Claim), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_counts_from_the_first_time_that_its_claim_was_sent() {
    let engine = Engine::new();
    let sent = Instant::now();
    engine.store.fail_next(Operation::Claim, Fault::LandsMute);
    let execution = engine.execution().await;
    assert!(sent.elapsed() >= SECOND, "the first call timed out");
    assert_eq!(
        Instant::now() + execution.current().lease_remaining(),
        sent + LEASE
    );
}

// S53
#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_at_the_end_takes_the_response_from_nobody() {
    for fault in [UNAVAILABLE, Fault::Mute] {
        let engine = Engine::new();
        let execution = engine.execution().await;
        engine.store.fail(Operation::Complete, fault);
        let started = Instant::now();
        let answer = execution
            .run(async { (keep("done"), "the response") })
            .await
            .unwrap();
        assert_eq!(answer, "the response");
        assert!(started.elapsed() < LEASE / 2);
        assert_eq!(engine.store.calls(Operation::Complete), 4);
        assert_eq!(engine.log.lines(), ["execute", "unrecorded: complete"]);
        assert_eq!(engine.store.calls(Operation::Release), 0, "never released");

        assert_eq!(engine.duplicate().await, "idempotency-in-progress");
        advance(LEASE).await;
        assert_eq!(engine.duplicate().await, "execute");
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_not_tried_beyond_its_lease() {
    let engine = Engine::with(Policy::reference().store_timeout(20 * SECOND));
    let execution = engine.execution().await;
    engine.store.fail(Operation::Complete, Fault::Mute);
    let started = Instant::now();
    execution.run(async { (keep("done"), ()) }).await.unwrap();
    assert!(
        started.elapsed() <= LEASE + SECOND,
        "{:?}",
        started.elapsed()
    );
}

// S54
#[tokio::test(start_paused = true)]
async fn a_completion_whose_reply_was_lost_is_replayed() {
    for fault in [Fault::ReplyLost, Fault::LandsMute, UNAVAILABLE] {
        let engine = Engine::new();
        engine.store.fail_next(Operation::Complete, fault);
        engine.succeed().await;
        assert_eq!(engine.duplicate().await, "done");
        assert_eq!(engine.log.lines(), ["execute", "recorded", "replay"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_whose_reply_was_lost_is_no_lost_lease() {
    let engine = Engine::new();
    engine.store.fail_next(Operation::Release, Fault::ReplyLost);
    engine.end(Verdict::Free).await;
    assert_eq!(engine.log.lines(), ["execute", "freed"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_the_store_is_remembered_without_its_response() {
    let engine = Engine::new();
    let too_large = Fault::Refused(StoreErrorKind::TooLarge);
    engine.store.fail_next(Operation::Complete, too_large);
    engine.succeed().await;
    assert_eq!(engine.duplicate().await, "idempotency-response-not-kept");
}

#[tokio::test(start_paused = true)]
async fn no_call_is_more_than_a_fresh_or_a_repeated_request_needs() {
    let engine = Engine::new();
    engine.succeed().await;
    assert_eq!(engine.store.calls(Operation::Claim), 1);
    assert_eq!(engine.store.calls(Operation::Complete), 1);
    let _ = engine.duplicate().await;
    assert_eq!(engine.store.calls(Operation::Claim), 2);
    assert_eq!(engine.store.calls(Operation::Renew), 0);
    assert!(engine.store.capacity().max_record_bytes().is_none());
}

#[tokio::test]
async fn an_answer_that_is_older_than_its_lease_authorises_nothing() {
    let mut store = MockIdempotencyStore::new();
    store.expect_claim().returning(|_, _| {
        // The whole process stands still, its timers too.
        std::thread::sleep(Duration::from_millis(20));
        Ok(Claim::Owned)
    });
    let policy = Policy::reference().lease(Duration::from_millis(10));
    let begin = crate::support::begin(&Idempotency::new(store, policy)).await;
    assert!(
        matches!(begin, Begin::Refused(Refusal::StoreUnavailable)),
        "{begin:?}"
    );
}
