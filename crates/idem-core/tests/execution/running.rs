//! Code that is no HTTP handler has the same guarantees.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use idem_core::{Done, IdempotencyKey, Refusal, RunError, Scope};
use tokio::time::sleep;

use crate::support::{Engine, SECOND};

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_operation_runs_once_and_its_value_is_replayed() {
    let engine = Engine::new();
    for replayed in [false, true] {
        let operation = || async { Ok::<_, ()>(17) };
        let done = engine
            .idempotency
            .run(&key("k"), &("a", 1), operation)
            .await
            .unwrap();
        assert_eq!((done.is_replay(), done.into_value()), (replayed, 17));
    }
    assert_eq!(engine.log.count("execute"), 1);
}

#[tokio::test(start_paused = true)]
async fn another_payload_is_refused_and_another_scope_is_another_key() {
    let engine = Engine::new();
    let run = |scope: &'static str, payload: u32| {
        let idempotency = engine.idempotency.clone();
        async move {
            let scope = Scope::from(scope);
            idempotency
                .run_in(&scope, &key("k"), &payload, move || async move {
                    Ok::<_, ()>(payload)
                })
                .await
        }
    };
    assert_eq!(run("a", 1).await.unwrap(), Done::Executed(1));
    assert!(matches!(
        run("a", 2).await,
        Err(RunError::Refused(Refusal::Mismatch))
    ));
    assert_eq!(run("b", 2).await.unwrap(), Done::Executed(2));
    assert_eq!(run("a", 1).await.unwrap(), Done::Replayed(1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_frees_the_key_and_keeps_its_cause() {
    let engine = Engine::new();
    let failed = engine
        .idempotency
        .run(&key("k"), &1, || async { Err::<u8, _>("no stock") })
        .await;
    assert!(matches!(failed, Err(RunError::Failed("no stock"))));
    let done = engine
        .idempotency
        .run(&key("k"), &2, || async { Ok::<_, ()>(2) })
        .await
        .unwrap();
    assert_eq!(done, Done::Executed(2));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_does_not_cancel_the_operation() {
    let engine = Engine::new();
    let (idempotency, key) = (engine.idempotency.clone(), key("k"));
    let call = async move {
        let operation = || async {
            sleep(10 * SECOND).await;
            Ok::<_, ()>(17)
        };
        idempotency.run(&key, &1, operation).await
    };
    assert!(tokio::time::timeout(SECOND, call).await.is_err());
    engine.idempotency.drain().await;
    let again = || async { Ok::<_, ()>(18) };
    let done = engine
        .another()
        .idempotency
        .run(&self::key("k"), &1, again)
        .await
        .unwrap();
    assert_eq!(done, Done::Replayed(17));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_no_json_is_done_and_not_kept() {
    let engine = Engine::new();
    let run = || {
        let no_json = HashMap::from([(vec![1], 1)]);
        let operation = move || async move { Ok::<_, ()>(no_json) };
        let idempotency = engine.idempotency.clone();
        async move { idempotency.run(&key("k"), &1, operation).await }
    };
    assert!(matches!(run().await, Ok(Done::Executed(_))));
    assert!(matches!(
        run().await,
        Err(RunError::Refused(Refusal::NotKept(_)))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_value_of_another_type_is_told_and_not_run() {
    let engine = Engine::new();
    let text = || async { Ok::<_, ()>("text".to_owned()) };
    assert!(engine.idempotency.run(&key("k"), &1, text).await.is_ok());
    let number = || async { Ok::<u32, ()>(1) };
    let refused = engine.idempotency.run(&key("k"), &1, number).await;
    assert!(matches!(refused, Err(RunError::Replay(_))));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_delivers_each_message_twice_has_each_effect_once() {
    let engine = Engine::new();
    let effects = Arc::new(AtomicUsize::new(0));
    let deliveries = (0..100).chain(0..100).map(|message: u32| {
        let (idempotency, effects) = (engine.idempotency.clone(), Arc::clone(&effects));
        tokio::spawn(async move {
            let key = key(&format!("message-{message}"));
            let ship = move || async move {
                sleep(SECOND).await;
                effects.fetch_add(1, Ordering::SeqCst);
                Ok::<_, ()>(message)
            };
            idempotency.run(&key, &message, ship).await
        })
    });
    for delivery in deliveries.collect::<Vec<_>>() {
        match delivery.await.unwrap() {
            Ok(_) | Err(RunError::Refused(Refusal::InProgress { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(effects.load(Ordering::SeqCst), 100);
}

#[tokio::test(start_paused = true)]
async fn a_panic_frees_the_key_even_before_the_first_await() {
    let engine = Engine::new();
    let idempotency = engine.idempotency.clone();
    let panicking = tokio::spawn(async move {
        let operation = || -> std::future::Ready<Result<u8, ()>> { panic!("a planted panic") };
        idempotency.run(&key("k"), &1, operation).await
    });
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(engine.log.lines(), ["execute", "panicked"]);
    let again = || async { Ok::<_, ()>(2) };
    let done = engine.idempotency.run(&key("k"), &1, again).await.unwrap();
    assert_eq!(done, Done::Executed(2));
}
