//! A caller that vanishes, and a shutdown that waits.

use std::{future::pending, sync::Arc};

use idem_core::{
    Idempotency, Policy, Verdict,
    adapter::{Begin, HandOver},
    store::Operation,
};
use tokio::{
    sync::Notify,
    time::{advance, sleep, timeout},
};
use tracing::Instrument;

use crate::{
    log::Lines,
    planted::{Plant, PlantedStore},
    support::{
        Engine, INSTANT, LEASE, SECOND, admit, begin, executing, keep, serving, slow, spawn,
    },
};

// S45
#[tokio::test(start_paused = true)]
async fn an_execution_whose_caller_vanished_ends_and_is_recorded() {
    let engine = Engine::new();
    let caller = spawn(&engine, slow(10 * SECOND, "done"));
    sleep(SECOND).await;
    assert_eq!(engine.idempotency.under_way(), 1);
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert_eq!(engine.idempotency.under_way(), 1, "it is still one");
    assert_eq!(engine.duplicate().await, "idempotency-in-progress");
    sleep(10 * SECOND).await;
    assert_eq!(engine.duplicate().await, "done");
    assert_eq!(engine.log.count("handed over"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_over_stays_in_its_caller_s_span() {
    // The library's own span is for debugging, and is not recorded here.
    for level in [tracing::Level::INFO, tracing::Level::DEBUG] {
        let lines = Lines::default();
        let _guard = lines.subscribe_up_to(level);
        let engine = Engine::new();
        let span = tracing::info_span!("request", request_id = "r-17");
        let work = async {
            sleep(10 * SECOND).await;
            tracing::info!("the order is placed");
            (keep("done"), ())
        };
        let serving = span.in_scope(|| serving(&engine.idempotency, work));
        let caller = tokio::spawn(serving.instrument(span));
        sleep(SECOND).await;
        caller.abort();
        sleep(10 * SECOND).await;
        let log = lines.text();
        let placed = log
            .lines()
            .find(|line| line.contains("the order is placed"));
        assert!(placed.unwrap().contains("r-17"), "{log}");
    }
}

// S60
#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_runs_with_a_caller_or_without() {
    for vanishes in [true, false] {
        let engine = Engine::new();
        let caller = spawn(&engine, slow(10 * SECOND, "done"));
        sleep(SECOND).await;
        if vanishes {
            caller.abort();
            let _ = caller.await;
        }
        assert!(
            timeout(SECOND, engine.idempotency.drain()).await.is_err(),
            "it still runs"
        );
        engine.idempotency.drain().await;
        assert_eq!(engine.log.count("recorded"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_without_executions_returns_at_once() {
    let engine = Engine::new();
    engine
        .execution()
        .await
        .run(slow(SECOND, "done"))
        .await
        .unwrap();
    timeout(INSTANT, engine.idempotency.drain())
        .await
        .expect("nothing runs");
}

// S60
#[tokio::test(start_paused = true)]
async fn once_a_drain_has_begun_nothing_else_begins() {
    let engine = Engine::new();
    let caller = spawn(&engine, slow(10 * SECOND, "done"));
    sleep(SECOND).await;
    assert!(timeout(SECOND, engine.idempotency.drain()).await.is_err());
    let refused = "idempotency-shutting-down";
    assert_eq!(engine.duplicate().await, refused);
    let clone = engine.idempotency.with_policy(Policy::ietf());
    assert!(matches!(
        begin(&clone).await,
        Begin::Refused(idem_core::Refusal::ShuttingDown)
    ));
    assert_eq!(caller.await.unwrap(), "done");
    assert_eq!(engine.duplicate().await, refused);
    assert_eq!(engine.another().duplicate().await, "done");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_over_before_the_key_is_claimed() {
    let engine = Engine::new();
    let request = admit(&engine.idempotency);
    let watch = request.watch();
    let idempotency = engine.idempotency.clone();
    let uploading = async move {
        pending::<()>().await;
        idempotency.begin(request, b"{}").await
    };
    let mut guarded = HandOver::new(Box::pin(uploading), watch);
    assert!(timeout(SECOND, &mut guarded).await.is_err());
    drop(guarded);
    assert!(engine.log.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_send_is_handed_over_on_its_own_thread() {
    let engine = Engine::new();
    let go = Arc::new(Notify::new());
    let thread = tokio::task::LocalSet::new();
    let inside = async {
        let wait = Arc::clone(&go);
        let work = async move {
            wait.notified().await;
            (keep("done"), "done")
        };
        let mut guarded = local(&engine.idempotency, work);
        assert!(timeout(SECOND, &mut guarded).await.is_err());
        drop(guarded);
        go.notify_one();
        engine.idempotency.drain().await;
    };
    thread.run_until(inside).await;
    assert_eq!(engine.another().duplicate().await, "done");
}

#[tokio::test(start_paused = true)]
async fn a_future_that_panicked_is_not_handed_over() {
    let engine = Engine::new();
    let panicking = spawn(&engine, async { panic!("a planted panic") });
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(engine.log.count("handed over"), 0);
}

#[test]
fn outside_a_runtime_it_is_dropped_and_reported() {
    let engine = Engine::new();
    let guarded = {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let mut guarded = serving(&engine.idempotency, pending::<(Verdict, ())>());
        runtime.block_on(async {
            assert!(timeout(INSTANT, &mut guarded).await.is_err());
        });
        guarded
    };
    drop(guarded);
    assert_eq!(engine.log.lines(), ["execute", "abandoned"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_over_stays_in_its_span() {
    let lines = Lines::default();
    let _guard = lines.subscribe();
    let engine = Engine::new();
    let caller = spawn(&engine, async {
        sleep(10 * SECOND).await;
        tracing::info!("the handler's last word");
        (keep("done"), "done")
    });
    sleep(SECOND).await;
    caller.abort();
    let _ = caller.await;
    engine.idempotency.drain().await;
    let log = lines.text();
    let last = log
        .lines()
        .find(|line| line.contains("the handler's last word"))
        .unwrap();
    assert!(
        last.contains("idempotency{") && last.contains("route=\"/orders\""),
        "{last}"
    );
}

/// A request that stays on its thread, as an adapter of such a framework guards it.
fn local(
    idempotency: &Idempotency,
    work: impl Future<Output = (Verdict, &'static str)> + 'static,
) -> HandOver<impl Future<Output = ()> + Unpin + 'static> {
    let request = admit(idempotency);
    let watch = request.watch();
    let idempotency = idempotency.clone();
    let not_send = std::rc::Rc::new(());
    let serving = async move {
        let execution = executing(idempotency.begin(request, b"{}").await);
        execution.run(work).await.unwrap();
        drop(not_send);
    };
    HandOver::local(Box::pin(serving), watch)
}

#[tokio::test(start_paused = true)]
async fn outside_a_local_set_it_is_dropped_and_reported_and_the_key_ends_with_its_lease() {
    for unwinding in [false, true] {
        let engine = Engine::new();
        let mut guarded = local(&engine.idempotency, slow(10 * SECOND, "done"));
        assert!(timeout(SECOND, &mut guarded).await.is_err());
        if unwinding {
            let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
                let _guarded = guarded;
                panic!("a planted panic");
            }));
            assert!(unwound.is_err());
        } else {
            drop(guarded);
        }
        assert_eq!(engine.log.lines(), ["execute", "abandoned"]);
        assert_eq!(engine.duplicate().await, "idempotency-in-progress");
        advance(LEASE).await;
        assert_eq!(engine.duplicate().await, "execute");
        timeout(INSTANT, engine.idempotency.drain())
            .await
            .expect("nothing runs");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_under_way_that_nobody_can_take_over_is_reported() {
    let store = PlantedStore::default();
    store.plant(Operation::Claim, Plant::Takes(SECOND / 2));
    let (idempotency, log) = store.engine(Policy::reference());
    let mut guarded = local(&idempotency, slow(10 * SECOND, "done"));
    assert!(timeout(SECOND / 4, &mut guarded).await.is_err());
    drop(guarded);
    assert_eq!(log.lines(), ["ClaimAbandoned"]);
    timeout(INSTANT, idempotency.drain())
        .await
        .expect("nothing runs");
}

// S95
#[tokio::test(start_paused = true)]
async fn handed_over_is_an_execution_and_no_duplicate_whose_caller_left() {
    for original in [false, true] {
        let store = PlantedStore::default();
        let (elsewhere, _) = store.engine(Policy::reference());
        if original {
            std::mem::forget(begin(&elsewhere).await);
        }
        store.plant(Operation::Claim, Plant::Takes(SECOND / 2));
        let (idempotency, log) = store.engine(Policy::reference());
        let mut guarded = serving(&idempotency, slow(SECOND, "done"));
        assert!(timeout(SECOND / 4, &mut guarded).await.is_err());
        drop(guarded);
        assert!(log.lines().is_empty(), "nothing is decided");
        idempotency.drain().await;
        let expected: &[&str] = match original {
            true => &["in_progress"],
            false => &["handed over", "execute", "recorded"],
        };
        assert_eq!(log.lines(), expected);
    }
}
