//! A request with a lease of its own, longer or shorter than its policy's.

use std::{convert::Infallible, future::pending, time::Duration};

use idem_core::{
    Done, Idempotency, IdempotencyKey, LeaseTerm, MemoryStore, OnLeaseEnd, Policy, Refusal,
    RunError,
    adapter::{Begin, Execution},
    store::Operation,
};
use idem_store_tests::Fault;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::support::{Engine, INSTANT, LEASE, SECOND, admit, executing, keep, slow};

const IN_PROGRESS: &str = "idempotency-in-progress";

async fn begin(idempotency: &Idempotency, term: impl Into<LeaseTerm>) -> Begin {
    let request = admit(idempotency).lease(term);
    idempotency.begin(request, b"{}").await
}

async fn execution(engine: &Engine, term: impl Into<LeaseTerm>) -> Execution {
    executing(begin(&engine.idempotency, term).await)
}

// S31
#[tokio::test(start_paused = true)]
async fn a_crashed_owner_blocks_its_key_for_its_own_lease() {
    for lease in [LEASE / 10, 10 * LEASE] {
        for term in [LeaseTerm::renewed(lease), LeaseTerm::fixed(lease)] {
            let engine = Engine::new();
            std::mem::forget(execution(&engine, term).await);
            advance(lease - INSTANT).await;
            assert_eq!(engine.duplicate().await, IN_PROGRESS);
            advance(INSTANT).await;
            assert_eq!(engine.duplicate().await, "execute");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_may_have_a_lease_of_its_own_for_what_it_runs_and_admits() {
    let engine = Engine::new();
    let entry = engine.idempotency.with_lease(LeaseTerm::fixed(3 * LEASE));
    let admitted = entry.begin(admit(&entry), b"{}").await;
    let key = IdempotencyKey::new("message-17").unwrap();
    let crashed = entry.run(&key, "", pending::<Result<(), Infallible>>);
    // It goes on in a task, without a renewal.
    assert!(timeout(SECOND, crashed).await.is_err());
    std::mem::forget(admitted);
    let again = || async { Ok::<_, Infallible>(()) };
    advance(3 * LEASE - SECOND - INSTANT).await;
    assert_eq!(engine.duplicate().await, IN_PROGRESS);
    let refused = engine.idempotency.run(&key, "", again).await;
    assert!(matches!(
        refused,
        Err(RunError::Refused(Refusal::InProgress { .. }))
    ));
    advance(2 * INSTANT).await;
    assert_eq!(engine.duplicate().await, "execute");
    let done = engine.idempotency.run(&key, "", again).await;
    assert!(matches!(done, Ok(Done::Executed(()))));
}

#[tokio::test(start_paused = true)]
async fn it_is_renewed_each_third_of_its_own_lease() {
    for lease in [LEASE / 10, 10 * LEASE] {
        let engine = Engine::new();
        let began = Instant::now();
        let execution = execution(&engine, lease).await;
        let current = execution.current().clone();
        let work = async {
            sleep(2 * lease + INSTANT).await;
            assert_eq!(
                Instant::now() + current.lease_remaining(),
                began + 3 * lease
            );
            (keep("done"), ())
        };
        execution.run(work).await.unwrap();
        assert_eq!(engine.log.count("renewal Held"), 6);
        assert_eq!(engine.duplicate().await, "done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fixed_lease_is_never_renewed_and_known_to_be_lost_at_its_end() {
    let engine = Engine::new();
    let execution = execution(&engine, LeaseTerm::fixed(LEASE)).await;
    let current = execution.current().clone();
    let work = async {
        sleep(LEASE - INSTANT).await;
        assert_eq!(engine.duplicate().await, IN_PROGRESS);
        assert!(!current.is_lost());
        sleep(2 * INSTANT).await;
        assert!(current.is_lost());
        (keep("late"), ())
    };
    execution.run(work).await.unwrap();
    assert_eq!(engine.store.calls(Operation::Renew), 0);
    assert_eq!(engine.log.count("lost at renew"), 1);
    assert_eq!(
        engine.duplicate().await,
        "late",
        "nobody had taken over, so what was done is remembered"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fixed_lease_that_has_left_is_not_lost_at_its_end() {
    let engine = Engine::new();
    let execution = execution(&engine, LeaseTerm::fixed(LEASE)).await;
    let current = execution.current().clone();
    let work = async {
        // The end is waited for from now on.
        sleep(INSTANT).await;
        let sent = current.travel(10 * LEASE, async |_| Ok::<_, Infallible>(()));
        sent.await.unwrap();
        sleep(20 * LEASE).await;
        assert!(!current.is_lost());
        (keep("sent"), ())
    };
    execution.run(work).await.unwrap();
    assert_eq!(engine.log.count("lost at renew"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fixed_lease_that_could_not_be_sent_lasts_as_long_as_it_was_to_travel() {
    let engine = Engine::new();
    let execution = execution(&engine, LeaseTerm::fixed(LEASE)).await;
    let current = execution.current().clone();
    let work = async {
        sleep(INSTANT).await;
        let sent = current.travel(10 * LEASE, async |_| {
            sleep(2 * LEASE).await;
            Err::<(), _>("the queue is full")
        });
        sent.await.unwrap_err();
        sleep(8 * LEASE - INSTANT).await;
        assert!(!current.is_lost());
        sleep(LEASE).await;
        assert!(current.is_lost());
        (keep("late"), ())
    };
    execution.run(work).await.unwrap();
    assert_eq!(engine.log.count("lost at renew"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_last_for_ever_lasts_a_hundred_years() {
    let century = 100 * 365 * 24 * 3600 * SECOND;
    for term in [
        LeaseTerm::renewed(Duration::MAX),
        LeaseTerm::fixed(Duration::MAX),
    ] {
        assert_eq!(term.duration(), century);
    }
    let policy = Policy::reference();
    for policy in [
        policy.clone().lease(Duration::MAX),
        policy
            .on_lease_end(OnLeaseEnd::Refuse)
            .retention(Duration::MAX),
    ] {
        let idempotency = Idempotency::new(MemoryStore::new(), policy);
        let began = Instant::now();
        let execution = executing(idempotency.begin(admit(&idempotency), b"{}").await);
        assert_eq!(
            Instant::now() + execution.current().lease_remaining(),
            began + century
        );
        execution.run(slow(SECOND, "done")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_to_the_store_has_a_third_of_the_requests_lease_at_most() {
    let lease = 3 * SECOND / 10;
    let engine = Engine::new();
    engine.store.fail(Operation::Claim, Fault::Mute);
    let began = Instant::now();
    let refused = begin(&engine.idempotency, lease).await;
    assert!(
        matches!(refused, Begin::Refused(Refusal::StoreUnavailable)),
        "{refused:?}"
    );
    // Asked twice, for nobody knows whether the first landed; a timer may be late by its granularity.
    let thirds = 2 * lease / 3;
    assert!((thirds..thirds + 5 * INSTANT).contains(&began.elapsed()));

    engine.store.heal();
    for operation in [Operation::Renew, Operation::Complete] {
        engine.store.fail(operation, Fault::Mute);
    }
    let began = Instant::now();
    let execution = execution(&engine, lease).await;
    execution.run(slow(lease / 2, "done")).await.unwrap();
    // With the pause after it, a second attempt would not begin within the lease.
    let attempt = lease / 2 + lease / 3;
    assert!((attempt..lease).contains(&began.elapsed()));
    assert_eq!(engine.store.calls(Operation::Complete), 1);
    assert_eq!(engine.log.count("unrecorded: complete"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_lease_gives_a_call_no_more_time_than_the_policy_does() {
    let engine = Engine::new();
    engine.store.fail(Operation::Claim, Fault::Mute);
    let began = Instant::now();
    let _ = begin(&engine.idempotency, 100 * LEASE).await;
    assert!(
        began.elapsed() <= 2 * SECOND + 2 * INSTANT,
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_travels_has_the_requests_length() {
    let (here, lease) = (Engine::new(), 3 * LEASE);
    let there = here.another();
    let travelling = execution(&here, LeaseTerm::fixed(lease)).await.travel();
    assert_eq!(travelling.duration(), lease);
    let resumed = there.idempotency.resume(travelling);
    let ran = resumed.run(slow(4 * lease, "shipped"));
    assert_eq!(ran.await.unwrap(), idem_core::Resumed::Ended("shipped"));
    // Nobody kills the worker at the function's deadline.
    assert_eq!(there.log.count("renewal Held"), 11);
}

#[tokio::test(start_paused = true)]
async fn where_the_end_is_to_be_refused_it_is_so_for_the_longer_of_lease_and_retention() {
    let retention = 60 * SECOND;
    for lease in [SECOND, 2 * retention] {
        let policy = Policy::reference().retention(retention);
        let engine = Engine::with(policy.on_lease_end(OnLeaseEnd::Refuse));
        std::mem::forget(execution(&engine, LeaseTerm::fixed(lease)).await);
        advance(retention.max(lease) - INSTANT).await;
        assert_eq!(engine.duplicate().await, IN_PROGRESS);
        advance(INSTANT).await;
        assert_eq!(engine.duplicate().await, "execute");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_told_to_wait_for_its_own_lease_at_most() {
    let policy = Policy::reference().retry_after(|_| Duration::MAX);
    let engine = Engine::with(policy.on_lease_end(OnLeaseEnd::Refuse));
    std::mem::forget(execution(&engine, 90 * SECOND).await);
    match begin(&engine.idempotency, 90 * SECOND).await {
        Begin::Refused(Refusal::InProgress { retry_after }) => {
            assert_eq!(retry_after, 90 * SECOND);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_no_length_has_a_millisecond() {
    for term in [
        LeaseTerm::renewed(Duration::ZERO),
        LeaseTerm::fixed(Duration::ZERO),
    ] {
        assert_eq!(term.duration(), INSTANT);
        let engine = Engine::new();
        std::mem::forget(execution(&engine, term).await);
        assert_eq!(engine.duplicate().await, IN_PROGRESS);
    }
}
