//! What an operator sees of a key, and a key that is freed by hand.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyKey, IdempotencyStore, MemoryStore, OnLeaseEnd, Policy, RecordKey,
    Response,
    operator::{Freed, KeyState, KeyStatus},
    store::{NotKept, Operation, Outcome, StoreErrorKind},
};
use idem_store_tests::Fault;

use crate::support::{Engine, LEASE, SECOND, keep};

const RETENTION: Duration = Duration::from_secs(60 * 60);

fn name(engine: &Engine) -> RecordKey {
    let key = IdempotencyKey::new("k").unwrap();
    engine.idempotency.record_key(None, &key)
}

async fn look_up(engine: &Engine) -> KeyStatus {
    engine.idempotency.look_up(&name(engine)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_dead_owner_s_key_is_freed_and_nothing_else_is() {
    let engine = Engine::with(Policy::reference().on_lease_end(OnLeaseEnd::Refuse));
    let key = name(&engine);
    assert_eq!(
        engine.idempotency.free(&key).await.unwrap(),
        Freed::NothingPending
    );

    std::mem::forget(engine.execution().await);
    assert_eq!(engine.idempotency.free(&key).await.unwrap(), Freed::Freed);
    engine.succeed().await;

    assert_eq!(
        engine.idempotency.free(&key).await.unwrap(),
        Freed::NothingPending
    );
    assert_eq!(engine.duplicate().await, "done");
}

#[tokio::test(start_paused = true)]
async fn freeing_an_absent_key_does_not_take_it_for_a_moment() {
    let engine = Engine::new();
    let freed = engine.idempotency.free(&name(&engine)).await.unwrap();
    assert_eq!(freed, Freed::NothingPending);
    assert_eq!(engine.store.calls(Operation::Claim), 0);
    assert_eq!(engine.store.calls(Operation::Release), 0);
}

#[tokio::test(start_paused = true)]
async fn freeing_again_after_a_lost_reply_finds_nothing() {
    let engine = Engine::new();
    std::mem::forget(engine.execution().await);
    engine.store.fail_next(Operation::Release, Fault::ReplyLost);
    let error = engine.idempotency.free(&name(&engine)).await.unwrap_err();
    assert!(error.may_have_landed());
    // It landed, so asking again finds nothing.
    let freed = engine.idempotency.free(&name(&engine)).await.unwrap();
    assert_eq!(freed, Freed::NothingPending);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_seen_through_its_life() {
    let engine = Engine::new();
    let absent = look_up(&engine).await;
    assert_eq!(absent.state(), KeyState::Absent);
    assert_eq!(absent.fingerprint_prefix(), None);
    assert_eq!((absent.age(), absent.remaining()), (None, None));

    let execution = engine.execution().await;
    tokio::time::advance(7 * SECOND).await;
    let pending = look_up(&engine).await;
    assert_eq!(pending.state(), KeyState::Pending);
    assert_eq!(pending.age(), Some(7 * SECOND));
    assert_eq!(pending.remaining(), Some(LEASE - 7 * SECOND));
    let fingerprint = pending.fingerprint_prefix().unwrap();
    assert_eq!(fingerprint.len(), 8);

    execution.run(async { (keep("done"), ()) }).await.unwrap();
    tokio::time::advance(100 * SECOND).await;
    let completed = look_up(&engine).await;
    assert_eq!(completed.state(), KeyState::Completed);
    assert_eq!(completed.age(), Some(100 * SECOND));
    assert_eq!(completed.remaining(), Some(RETENTION - 100 * SECOND));
    assert_eq!(completed.fingerprint_prefix(), Some(fingerprint));

    tokio::time::advance(RETENTION).await;
    assert_eq!(look_up(&engine).await, absent);
    assert_eq!(
        engine.store.calls(Operation::Claim),
        1,
        "looking claims nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewal_makes_a_pending_record_young() {
    let engine = Engine::new();
    let execution = engine.execution().await;
    let running = tokio::spawn(execution.run(async {
        tokio::time::sleep(25 * SECOND).await;
        (keep("done"), ())
    }));
    tokio::time::sleep(24 * SECOND).await;
    let age = look_up(&engine).await.age().unwrap();
    assert!(age < LEASE / 3, "it was renewed each third: {age:?}");
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn that_nothing_was_kept_is_seen() {
    let engine = Engine::new();
    let too_large = idem_core::Verdict::Keep(NotKept::TooLarge.into());
    engine
        .execution()
        .await
        .run(async { (too_large, ()) })
        .await
        .unwrap();
    let found = look_up(&engine).await;
    assert_eq!(found.state(), KeyState::NotKept(NotKept::TooLarge));
}

#[tokio::test(start_paused = true)]
async fn an_age_that_cannot_be_is_not_told() {
    let engine = Engine::new();
    engine.succeed().await;
    // The same store under a policy whose retention is shorter than what remains.
    let shorter = Policy::reference().retention(60 * SECOND);
    let found = engine.idempotency.with_policy(shorter);
    let found = found.look_up(&name(&engine)).await.unwrap();
    assert_eq!((found.age(), found.remaining()), (None, Some(RETENTION)));
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_has_nothing_that_one_could_act_with() {
    let engine = Engine::new();
    let execution = engine.execution().await;
    let stored = engine.store.look_up(&name(&engine)).await.unwrap().unwrap();
    let idem_core::store::Record::Pending(pending) = stored.record() else {
        panic!("{stored:?}");
    };
    let owner: String = pending
        .owner()
        .as_bytes()
        .map(|it| format!("{it:02x}"))
        .concat();
    let fingerprint = pending.identity().fingerprint().as_bytes();
    let fingerprint: String = fingerprint.map(|it| format!("{it:02x}")).concat();
    let shown = format!("{:?}", look_up(&engine).await);
    assert!(
        !shown.contains(&owner[..8]) && !shown.contains(&fingerprint[..16]),
        "{shown}"
    );
    execution.run(async { (keep("secret"), ()) }).await.unwrap();
    let shown = format!("{:?}", look_up(&engine).await);
    assert!(!shown.contains("secret"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_not_waited_for() {
    let engine = Engine::new();
    for (fault, kind) in [
        (Fault::Mute, StoreErrorKind::Timeout),
        (
            Fault::Refused(StoreErrorKind::Unavailable),
            StoreErrorKind::Unavailable,
        ),
    ] {
        engine.store.fail_next(Operation::LookUp, fault);
        let error = engine
            .idempotency
            .look_up(&name(&engine))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.operation()), (kind, Operation::LookUp));
        assert!(!error.may_have_landed());
    }
}

#[tokio::test(start_paused = true)]
async fn executions_are_counted_while_they_run() {
    let engine = Engine::new();
    assert_eq!(engine.idempotency.under_way(), 0);
    let execution = engine.execution().await;
    assert_eq!(engine.idempotency.clone().under_way(), 1);
    execution.run(async { (keep("done"), ()) }).await.unwrap();
    assert_eq!(engine.duplicate().await, "done");
    assert_eq!(engine.idempotency.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn looking_sweeps_nothing() {
    let store = MemoryStore::new();
    let engine = idem_core::Idempotency::new(store.clone(), Policy::reference());
    let key = RecordKey::from_bytes([1; 32]);
    let identity =
        idem_core::store::Identity::new(idem_core::store::Fingerprint::from_bytes([1; 32]));
    let lease = idem_core::store::Lease::new(identity, SECOND / 2);
    let response = Arc::new(Response::new(201, Headers::default(), Bytes::new()));
    let outcome = Outcome::Response(Arc::clone(&response));
    let _ = store
        .complete(&key, &lease, &outcome, SECOND / 2)
        .await
        .unwrap();
    drop(outcome);
    // No task sweeps meanwhile, for none is polled.
    tokio::time::advance(SECOND / 2).await;
    let found = engine.look_up(&key).await.unwrap();
    assert_eq!(found.state(), KeyState::Absent);
    assert_eq!(Arc::strong_count(&response), 2, "the store has it still");
}
