//! Duplicates that wait for their original.

use idem_core::{Policy, Verdict};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Engine, LEASE, SECOND, keep, slow, spawn};

fn patient(waiters: usize) -> Engine {
    Engine::with(Policy::reference().wait(5 * SECOND, waiters))
}

/// An original that runs in a task until the test lets it go.
async fn running(engine: &Engine, time: std::time::Duration, end: Verdict) {
    spawn(engine, async move {
        sleep(time).await;
        (end, "original")
    });
    tokio::task::yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn a_waiter_gets_the_replay_when_the_original_ends_in_time() {
    let engine = patient(10);
    running(&engine, 2 * SECOND, keep("done")).await;
    assert_eq!(engine.duplicate().await, "done");
}

#[tokio::test(start_paused = true)]
async fn of_many_waiters_one_becomes_the_owner_when_the_original_fails() {
    let engine = patient(10);
    running(&engine, 2 * SECOND, Verdict::Free).await;
    let waiters: Vec<_> = (0..10)
        .map(|_| spawn(&engine, slow(SECOND, "second")))
        .collect();
    let mut ran = 0;
    for waiter in waiters {
        // All others find its record, which this helper of the test does not expect.
        ran += usize::from(matches!(waiter.await, Ok("second")));
    }
    assert_eq!(ran, 1);
    assert_eq!(engine.duplicate().await, "second");
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_bounded_in_time_and_leaves_the_owner_alone() {
    let engine = patient(10);
    running(&engine, LEASE, keep("done")).await;
    let started = Instant::now();
    assert_eq!(engine.duplicate().await, "idempotency-in-progress");
    assert_eq!(started.elapsed(), 5 * SECOND);
    sleep(LEASE).await;
    assert_eq!(engine.duplicate().await, "done");
}

#[tokio::test(start_paused = true)]
async fn waiters_are_bounded_in_number_and_one_who_leaves_makes_room() {
    let engine = patient(1);
    running(&engine, LEASE, keep("done")).await;
    {
        let waiting = engine.duplicate();
        tokio::pin!(waiting);
        assert!(timeout(SECOND, &mut waiting).await.is_err(), "it waits");
        assert_eq!(engine.duplicate().await, "idempotency-too-many-waiters");
    }
    assert_eq!(
        engine.duplicate().await,
        "idempotency-in-progress",
        "the place is free again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_does_not_wait() {
    let engine = patient(10);
    running(&engine, LEASE, keep("done")).await;
    let started = Instant::now();
    let begin = engine.begin("[1]").await;
    assert!(matches!(
        begin,
        idem_core::Begin::Refused(idem_core::Refusal::Mismatch)
    ));
    assert!(started.elapsed().is_zero());
}
