//! Code that is no HTTP handler has the same guarantees.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use idem_core::{
    Done, Idempotency, IdempotencyKey, MemoryStore, Policy, Refusal, RunError, Scope,
    store::NotKept,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
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

// S45
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

// S44
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

/// Runs an operation that gives a value, and asks for it again.
fn again<T: Serialize + DeserializeOwned + Send + 'static>(value: T) -> Result<T, RunError<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let idempotency = Idempotency::new(MemoryStore::new(), Policy::reference());
        let run = async |operation: Option<T>| {
            let operation = move || async move { Ok::<_, ()>(operation.expect("it runs once")) };
            idempotency.run(&key("k"), &1, operation).await
        };
        assert!(!run(Some(value)).await.unwrap().is_replay());
        run(None).await.map(Done::into_value)
    })
}

fn is_not_kept<T>(again: Result<T, RunError<()>>) -> bool {
    let not_kept = Refusal::NotKept(NotKept::NotSerializable);
    matches!(again, Err(RunError::Refused(refusal)) if refusal == not_kept)
}

// S96
proptest! {
    #[test]
    fn numbers_come_back_bit_by_bit(bits in proptest::collection::vec(any::<(u64, u32)>(), 100)) {
        let numbers: Vec<(f64, f32)> = bits
            .into_iter()
            .map(|(double, single)| (f64::from_bits(double), f32::from_bits(single)))
            .filter(|(double, single)| double.is_finite() && single.is_finite())
            .collect();
        let to_bits = |numbers: &[(f64, f32)]| -> Vec<_> {
            numbers.iter().map(|(double, single)| (double.to_bits(), single.to_bits())).collect()
        };
        let expected = to_bits(&numbers);
        prop_assert_eq!(to_bits(&again(numbers).unwrap()), expected);
    }

    #[test]
    fn other_values_come_back_too(
        numbers in any::<(u128, i128, u64, i64)>(),
        text in any::<(String, char, Option<String>)>(),
        map in any::<std::collections::BTreeMap<i64, (bool, Option<u8>)>>(),
        nested in any::<(Vec<Option<()>>, Result<u128, String>)>(),
    ) {
        let units: Vec<Option<()>> = nested.0.into_iter().filter(Option::is_none).collect();
        let nested = (units, nested.1);
        let value = (numbers, text, map, nested);
        prop_assert_eq!(again(value.clone()).unwrap(), value);
    }
}

#[test]
fn a_value_that_json_would_change_is_done_and_not_kept() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(is_not_kept(again(number)));
        assert!(is_not_kept(again(Some(number))));
        assert!(is_not_kept(again(number as f32)));
        assert!(is_not_kept(again((1, vec![Some(number)]))));
        assert!(is_not_kept(again(HashMap::from([(1, Some(number))]))));
        assert!(is_not_kept(again(Ok::<_, String>(Some(number)))));
    }
    assert!(is_not_kept(again(Some(None::<u8>))));
    assert!(is_not_kept(again(Some(()))));
    assert!(is_not_kept(again(HashMap::from([((1, 2), 3)]))));
    assert_eq!(again(None::<Option<u8>>).unwrap(), None);
    again(()).unwrap();
    assert_eq!(again(-0.0_f64).unwrap().to_bits(), (-0.0_f64).to_bits());
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Nested(Vec<Nested>);

#[derive(Debug, Serialize, Deserialize)]
struct OneWay {
    #[serde(skip_serializing)]
    _lost: u8,
}

#[test]
fn a_value_that_cannot_be_read_back_is_done_and_not_kept() {
    let nested = |levels| (0..levels).fold(Nested(vec![]), |inner, _| Nested(vec![inner]));
    assert_eq!(again(nested(100)).unwrap(), nested(100));
    assert!(is_not_kept(again(nested(200))));
    assert!(is_not_kept(again(OneWay { _lost: 1 })));
}

#[derive(Debug, Deserialize)]
struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("a planted panic")
    }
}

#[test]
fn a_value_whose_own_code_panics_is_done_and_not_kept() {
    assert!(is_not_kept(again(Panics)));
}

#[tokio::test(start_paused = true)]
async fn what_an_operation_failed_with_need_not_be_an_error_type() {
    let engine = Engine::new();
    let run = async || -> anyhow::Result<u8> {
        let fails = || async {
            let cause = std::io::Error::other("the shelf is empty");
            Err::<u8, _>(anyhow::Error::new(cause).context("nothing was shipped"))
        };
        let run = engine.idempotency.run(&key("k"), &1, fails).await;
        Ok(run.map_err(RunError::boxed)?.into_value())
    };
    let error = run().await.unwrap_err();
    let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    let all = [
        "the operation failed",
        "nothing was shipped",
        "the shelf is empty",
    ];
    assert_eq!(causes, all);
    match error
        .downcast::<RunError<idem_core::OperationError>>()
        .unwrap()
    {
        RunError::Failed(inner) => {
            assert_eq!(inner.into_inner().to_string(), "nothing was shipped");
        }
        other => panic!("{other:?}"),
    }
    let text = RunError::Failed("no stock".to_owned()).boxed();
    assert_eq!(
        std::error::Error::source(&text).unwrap().to_string(),
        "no stock"
    );
}
