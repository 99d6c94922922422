//! Duplicates that wait for their original.

use std::time::Duration;

use idem_core::{
    Idempotency, Policy, Refusal, Verdict,
    adapter::{Begin, HandOver},
    store::Operation,
};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    planted::{Plant, PlantedStore},
    support::{Engine, LEASE, SECOND, admit, begin, keep, slow, spawn},
};

fn patient(waiters: usize) -> Engine {
    Engine::with(Policy::reference().wait(5 * SECOND, waiters))
}

/// An original that runs in a task until the test lets it go.
async fn running(engine: &Engine, time: Duration, end: Verdict) {
    spawn(engine, async move {
        sleep(time).await;
        (end, "original")
    });
    tokio::task::yield_now().await;
}

// S38
#[tokio::test(start_paused = true)]
async fn a_waiter_gets_the_replay_when_the_original_ends_in_time() {
    let engine = patient(10);
    running(&engine, 2 * SECOND, keep("done")).await;
    assert_eq!(engine.duplicate().await, "done");
}

// S38
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

// S38
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

// S38
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

// S23
#[tokio::test(start_paused = true)]
async fn a_mismatch_does_not_wait() {
    let engine = patient(10);
    running(&engine, LEASE, keep("done")).await;
    let started = Instant::now();
    let begin = engine.begin("[1]").await;
    assert!(matches!(begin, Begin::Refused(Refusal::Mismatch)));
    assert!(started.elapsed().is_zero());
}

/// An original that runs for ever elsewhere, and a server with one place for those who wait, each of
/// whose claims takes a while.
async fn one_place(claim: Duration) -> (PlantedStore, Idempotency) {
    let store = PlantedStore::default();
    let (original, _) = store.engine(Policy::reference());
    std::mem::forget(begin(&original).await);
    store.plant(Operation::Claim, Plant::Takes(claim));
    let (here, _) = store.engine(Policy::reference().wait(5 * SECOND, 1));
    (store, here)
}

/// A duplicate as an adapter serves it.
fn serve(idempotency: &Idempotency) -> HandOver<impl Future<Output = Begin> + Unpin + 'static> {
    let request = admit(idempotency);
    let watch = request.watch();
    let idempotency = idempotency.clone();
    let begin = async move { idempotency.begin(request, b"{}").await };
    HandOver::new(Box::pin(begin), watch)
}

// S95
#[tokio::test(start_paused = true)]
async fn whenever_a_waiter_hangs_up_its_place_is_free_at_once() {
    const CLAIM: Duration = Duration::from_millis(900);
    for moment in (0..6_000).step_by(29) {
        let (store, here) = one_place(CLAIM).await;
        let mut waiting = serve(&here);
        let left = timeout(Duration::from_millis(moment), &mut waiting).await;
        drop(waiting);
        if left.is_ok() {
            // Five seconds, and the claim in which they ended.
            assert!(moment >= 5_000, "{moment} ms");
        }
        store.clear();
        let next = timeout(Duration::from_millis(1), begin(&here)).await;
        assert!(next.is_err(), "it waits, {moment} ms: {next:?}");
    }
}

// S95
#[tokio::test(start_paused = true)]
async fn who_hung_up_does_not_wait_any_more_and_takes_no_place() {
    let (store, here) = one_place(SECOND / 2).await;
    let mut waiting = serve(&here);
    // Its first claim is on its way.
    assert!(timeout(SECOND / 4, &mut waiting).await.is_err());
    drop(waiting);
    store.clear();
    assert_eq!(here.under_way(), 1, "its claim");
    sleep(SECOND / 2).await;
    assert_eq!(here.under_way(), 0);
    assert!(timeout(SECOND, begin(&here)).await.is_err(), "it waits");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_was_answered_leaves_its_place() {
    let (store, here) = one_place(SECOND / 2).await;
    let mut answered = serve(&here);
    let answer = (&mut answered).await;
    assert!(matches!(answer, Begin::Refused(Refusal::InProgress { .. })));
    store.clear();
    let next = timeout(SECOND, begin(&here)).await;
    assert!(next.is_err(), "it waits: {next:?}");
    drop(answered);
}

#[tokio::test(start_paused = true)]
async fn who_waits_executes_nothing_and_holds_up_no_drain() {
    let (_, here) = one_place(Duration::ZERO).await;
    let mut waiting = serve(&here);
    assert!(timeout(SECOND, &mut waiting).await.is_err());
    assert_eq!(here.under_way(), 0);
    timeout(Duration::ZERO, here.drain()).await.unwrap();
    let told = timeout(SECOND, &mut waiting).await.unwrap();
    assert!(matches!(told, Begin::Refused(Refusal::ShuttingDown)));
}
