//! Duplicates that wait for one original: what they ask of the store, and how soon they know of its end.

use std::{iter, mem::forget, time::Duration};

use idem_core::{
    Idempotency, Policy, Refusal, Verdict,
    adapter::{Begin, Execution, HandOver},
    store::{Operation, StoreErrorKind},
};
use idem_store_tests::Fault;
use tokio::{
    task::{JoinHandle, yield_now},
    time::{Instant, sleep, timeout},
};

use crate::{
    planted::{Plant, PlantedStore},
    support::{Engine, SECOND, admit, begin, executing, keep},
};

mod arriving;
mod disorder;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Between two turns of those who wait.
const END: Duration = Duration::from_millis(2_203);

fn patient() -> Policy {
    Policy::reference().wait(5 * SECOND, 10_000)
}

/// What a duplicate got, and when.
type Answered = (&'static str, Instant);

/// A duplicate as an adapter serves it; if it comes to execute, it does for a second.
fn duplicate(idempotency: &Idempotency) -> JoinHandle<Answered> {
    duplicate_with(idempotency, b"{}")
}

fn duplicate_with(idempotency: &Idempotency, payload: &'static [u8]) -> JoinHandle<Answered> {
    let request = admit(idempotency);
    let watch = request.watch();
    let idempotency = idempotency.clone();
    let served = async move {
        let begin = idempotency.begin(request, payload).await;
        let answered = Instant::now();
        let what = match begin {
            Begin::Execute(execution) => {
                let work = async {
                    sleep(SECOND).await;
                    (keep("second"), "executed")
                };
                execution.run(work).await.unwrap()
            }
            Begin::Replay(response) => match &response.body()[..] {
                b"first" => "first",
                b"second" => "second",
                other => panic!("{other:?}"),
            },
            Begin::Refused(refusal) => refusal.code(),
            Begin::Unprotected => "unprotected",
        };
        (what, answered)
    };
    tokio::spawn(HandOver::new(Box::pin(served), watch))
}

async fn duplicates(idempotency: &Idempotency, number: usize) -> Vec<JoinHandle<Answered>> {
    let all = iter::repeat_with(|| duplicate(idempotency)).take(number);
    let all = all.collect();
    settle().await;
    all
}

async fn settle() {
    for _ in 0..10 {
        yield_now().await;
    }
}

/// Ends an execution after a while.
fn ends(execution: Execution, after: Duration, verdict: Verdict) -> JoinHandle<()> {
    tokio::spawn(async move {
        let work = async {
            sleep(after).await;
            (verdict, ())
        };
        execution.run(work).await.unwrap();
    })
}

/// All got this, at this time.
async fn all_got(waiters: Vec<JoinHandle<Answered>>, what: &str, at: Instant) {
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), (what, at));
    }
}

// S38
#[tokio::test(start_paused = true)]
async fn a_thousand_duplicates_ask_the_store_no_more_often_than_one() {
    let engine = Engine::with(patient());
    forget(engine.execution().await);
    let claims = || engine.store.calls(Operation::Claim);
    let mut seen = claims();
    let started = Instant::now();
    let waiters = duplicates(&engine.idempotency, 1_000).await;
    for second in 1..=5 {
        sleep(started + second * SECOND - MILLISECOND - Instant::now()).await;
        let asked = claims() - seen;
        assert!(asked <= 10, "{asked} in second {second}");
        seen = claims();
    }
    all_got(waiters, "idempotency-in-progress", started + 5 * SECOND).await;
    // Of those who ask a last time, one is enough.
    assert!(claims() - seen <= 1, "{}", claims() - seen);
    assert_eq!(engine.store.calls(Operation::LookUp), 0);
}

// S38
#[tokio::test(start_paused = true)]
async fn they_are_answered_the_moment_that_their_original_completes_and_one_asks_for_all() {
    let engine = Engine::with(patient());
    let original = ends(engine.execution().await, END, keep("first"));
    let started = Instant::now();
    let waiters = duplicates(&engine.idempotency, 100).await;
    sleep(END - MILLISECOND).await;
    let claims = engine.store.calls(Operation::Claim);
    original.await.unwrap();
    all_got(waiters, "first", started + END).await;
    assert_eq!(engine.store.calls(Operation::Claim), claims + 1);
}

// S38
#[tokio::test(start_paused = true)]
async fn one_of_them_executes_the_moment_that_their_original_fails_and_the_others_get_its_result() {
    for panics in [false, true] {
        let engine = Engine::with(patient());
        let execution = engine.execution().await;
        let started = Instant::now();
        let original = tokio::spawn(execution.run(async move {
            sleep(END).await;
            assert!(!panics, "a planted panic");
            (Verdict::Free, ())
        }));
        let waiters = duplicates(&engine.idempotency, 100).await;
        sleep(END - MILLISECOND).await;
        let claims = engine.store.calls(Operation::Claim);
        assert_eq!(original.await.is_err(), panics);
        let mut executed = 0;
        for waiter in waiters {
            match waiter.await.unwrap() {
                ("executed", at) => {
                    assert_eq!(at, started + END);
                    executed += 1;
                }
                other => assert_eq!(other, ("second", started + END + SECOND)),
            }
        }
        assert_eq!(executed, 1);
        let asked = engine.store.calls(Operation::Claim) - claims;
        assert!(asked <= 7, "{asked}: its own, one at its end, and the pace");
    }
}

// S38
#[tokio::test(start_paused = true)]
async fn a_key_that_an_operator_frees_is_taken_over_at_once() {
    let engine = Engine::with(patient());
    let execution = engine.execution().await;
    let key = *execution.current().record_key();
    let waiters = duplicates(&engine.idempotency, 1).await;
    sleep(END).await;
    engine.idempotency.free(&key).await.unwrap();
    all_got(waiters, "executed", Instant::now()).await;
}

// S38
#[tokio::test(start_paused = true)]
async fn the_end_of_an_original_wakes_those_who_wait_in_another_layer_on_its_store() {
    let store = PlantedStore::default();
    let (here, _) = store.engine(patient());
    let (there, _) = store.engine(patient());
    let execution = executing(begin(&here).await);
    let started = Instant::now();
    let original = ends(execution, END, keep("first"));
    let mut waiters = duplicates(&here, 3).await;
    waiters.extend(duplicates(&there, 3).await);
    original.await.unwrap();
    all_got(waiters, "first", started + END).await;
}

// S38
#[tokio::test(start_paused = true)]
async fn the_end_of_an_original_in_another_process_is_known_within_a_pause() {
    let store = PlantedStore::default();
    let (elsewhere, _) = store.elsewhere().engine(Policy::reference());
    let (here, _) = store.engine(patient());
    let execution = executing(begin(&elsewhere).await);
    let started = Instant::now();
    ends(execution, END, keep("first"));
    for waiter in duplicates(&here, 100).await {
        let (what, at) = waiter.await.unwrap();
        assert_eq!(what, "first");
        let late = at - started - END;
        assert!(late > Duration::ZERO && late <= Duration::from_millis(250));
    }
}

// S38
#[tokio::test(start_paused = true)]
async fn another_waiter_asks_at_the_same_pace_when_the_one_that_asks_hangs_up() {
    let engine = Engine::with(patient());
    let original = ends(engine.execution().await, END, keep("first"));
    let started = Instant::now();
    let mut waiters = duplicates(&engine.idempotency, 100).await;
    sleep(SECOND).await;
    let claims = engine.store.calls(Operation::Claim);
    // The first who came is who asks.
    for _ in 0..50 {
        waiters.remove(0).abort();
        sleep(20 * MILLISECOND).await;
    }
    let asked = engine.store.calls(Operation::Claim) - claims;
    assert!((3..=5).contains(&asked), "{asked} in a second");
    original.await.unwrap();
    all_got(waiters, "first", started + END).await;
}

// S38
#[tokio::test(start_paused = true)]
async fn a_waiter_that_hangs_up_while_it_asks_delays_no_other() {
    let store = PlantedStore::default();
    let (here, _) = store.engine(patient());
    let execution = executing(begin(&here).await);
    let started = Instant::now();
    ends(execution, END, keep("first"));
    let mut waiters = duplicates(&here, 3).await;
    store.plant_once(Operation::Claim, Plant::Takes(SECOND));
    sleep(100 * MILLISECOND).await;
    waiters.remove(0).abort();
    all_got(waiters, "first", started + END).await;
}

// S38
#[tokio::test(start_paused = true)]
async fn one_that_nobody_polls_any_more_gives_its_turn_to_another_in_a_while() {
    let store = PlantedStore::default();
    let (elsewhere, _) = store.elsewhere().engine(Policy::reference());
    let (here, _) = store.engine(patient());
    let execution = executing(begin(&elsewhere).await);
    let started = Instant::now();
    ends(execution, END, keep("first"));
    let mut stalled = Box::pin(begin(&here));
    assert!(timeout(2 * SECOND, &mut stalled).await.is_err());
    let waiters = duplicates(&here, 3).await;
    for waiter in waiters {
        let (what, at) = waiter.await.unwrap();
        assert_eq!(what, "first");
        assert!(at - started - END <= 2 * SECOND, "{:?}", at - started);
    }
    drop(stalled);
}

// S38
#[tokio::test(start_paused = true)]
async fn one_with_another_payload_does_not_wait_with_them() {
    let engine = Engine::with(patient());
    forget(engine.execution().await);
    let _waiters = duplicates(&engine.idempotency, 3).await;
    sleep(SECOND).await;
    let other = duplicate_with(&engine.idempotency, b"[1]");
    all_got(vec![other], "idempotency-key-reused", Instant::now()).await;
}

// S38
#[tokio::test(start_paused = true)]
async fn they_are_refused_if_another_payload_has_taken_the_key() {
    let store = PlantedStore::default();
    let (elsewhere, _) = store.elsewhere().engine(Policy::reference());
    let (here, _) = store.engine(patient());
    let execution = executing(begin(&elsewhere).await);
    let waiters = duplicates(&here, 3).await;
    sleep(END).await;
    execution.run(async { (Verdict::Free, ()) }).await.unwrap();
    forget(elsewhere.begin(admit(&elsewhere), b"[1]").await);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().0, "idempotency-key-reused");
    }
}

// S38
#[tokio::test(start_paused = true)]
async fn a_drain_ends_all_waits_at_once() {
    let engine = Engine::with(patient());
    forget(engine.execution().await);
    let waiters = duplicates(&engine.idempotency, 1_000).await;
    sleep(END).await;
    let claims = engine.store.calls(Operation::Claim);
    let draining = tokio::spawn({
        let idempotency = engine.idempotency.clone();
        async move { idempotency.drain().await }
    });
    let started = Instant::now();
    all_got(waiters, "idempotency-shutting-down", started).await;
    assert_eq!(engine.store.calls(Operation::Claim), claims);
    draining.abort();
}

// S38
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_refuses_one_who_asks_at_a_time_and_the_others_wait_on() {
    let engine = Engine::with(patient());
    let original = ends(engine.execution().await, END, keep("first"));
    let waiters = duplicates(&engine.idempotency, 100).await;
    sleep(SECOND).await;
    let unavailable = Fault::Refused(StoreErrorKind::Unavailable);
    engine.store.fail(Operation::Claim, unavailable);
    sleep(SECOND).await;
    engine.store.heal();
    original.await.unwrap();
    let mut refused = 0;
    for waiter in waiters {
        match waiter.await.unwrap() {
            ("idempotency-store-unavailable", _) => refused += 1,
            other => assert_eq!(other.0, "first"),
        }
    }
    assert!((3..=5).contains(&refused), "{refused}");
}

// S38
#[tokio::test(start_paused = true)]
async fn one_that_comes_while_nobody_could_ask_for_a_while_asks_for_itself() {
    let engine = Engine::with(patient());
    forget(engine.execution().await);
    let waiters = duplicates(&engine.idempotency, 100).await;
    let unavailable = Fault::Refused(StoreErrorKind::Unavailable);
    engine.store.fail(Operation::Claim, unavailable);
    sleep(2 * SECOND).await;
    let asks = vec![duplicate(&engine.idempotency)];
    all_got(asks, "idempotency-store-unavailable", Instant::now()).await;
    drop(waiters);
}

// S38
#[tokio::test(start_paused = true)]
async fn a_wait_shorter_than_the_first_pause_ends_with_a_last_look() {
    let store = PlantedStore::default();
    let (elsewhere, _) = store.elsewhere().engine(Policy::reference());
    let (here, _) = store.engine(Policy::reference().wait(8 * MILLISECOND, 10));
    let execution = executing(begin(&elsewhere).await);
    ends(execution, 6 * MILLISECOND, keep("first"));
    let (what, _) = duplicate(&here).await.unwrap();
    assert_eq!(what, "first");
}

// S38
#[tokio::test(start_paused = true)]
async fn a_refusal_at_the_end_of_a_wait_knows_what_is_left_of_the_lease() {
    let engine = Engine::with(patient().retry_after(|age| age));
    forget(engine.execution().await);
    sleep(3 * SECOND).await;
    let refused = begin(&engine.idempotency).await;
    let Begin::Refused(Refusal::InProgress { retry_after }) = refused else {
        panic!("{refused:?}");
    };
    let (least, most) = (7_800 * MILLISECOND, 8_000 * MILLISECOND);
    assert!((least..=most).contains(&retry_after), "{retry_after:?}");
}
