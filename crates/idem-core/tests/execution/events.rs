//! What is told of a request, and what never is.

use idem_core::{
    Verdict,
    store::{Operation, StoreErrorKind},
};
use idem_store_tests::Fault;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::{
    log::Lines,
    support::{Engine, keep},
};

/// A request of every kind, the store's failures included.
async fn everything(engine: &Engine) {
    engine.end(Verdict::Free).await;
    engine.end(keep("the response")).await;
    let _ = engine.duplicate().await;
    let _ = engine.begin("{\"secret\":\"payload\"}").await;
    let down = Fault::Refused(StoreErrorKind::Unavailable);
    engine.store.fail(Operation::Claim, down);
    let _ = engine.begin("{\"secret\":\"payload\"}").await;
}

// S61
#[tokio::test(start_paused = true)]
async fn logs_have_the_outcome_and_the_short_name_and_never_key_payload_or_response() {
    let lines = Lines::default();
    let engine = Engine::new();
    {
        let _guard = lines.subscribe();
        everything(&engine).await;
    }
    let log = lines.text();
    let key = idem_core::IdempotencyKey::new("k").unwrap();
    let name = engine.idempotency.record_key(None, &key);
    assert!(log.contains(&format!("{name:?}")), "{log}");
    assert!(
        !log.contains(&name.to_string()),
        "the whole name is not needed: {log}"
    );
    for told in [
        "outcome=\"replay\"",
        "outcome=\"mismatch\"",
        "end=\"freed\"",
        "operation=\"claim\"",
    ] {
        assert!(log.contains(told), "{told} in {log}");
    }
    for secret in ["payload\"", "the response", "key=\"k\"", "key=k "] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// All that is recorded in the meantime: a metric's name, its labels' values, and its count.
fn recorded(record: impl FnOnce()) -> Vec<String> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, record);
    let mut counted: Vec<String> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let (_, key) = key.into_parts();
            let labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
            let count = match value {
                DebugValue::Counter(count) => count as usize,
                DebugValue::Histogram(samples) => samples.len(),
                DebugValue::Gauge(_) => 0,
            };
            format!("{} {} {count}", key.name(), labels.join(" "))
        })
        .collect();
    counted.sort();
    counted
}

fn everything_on_a_paused_clock() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { everything(&Engine::new()).await });
}

// S61
#[test]
fn metrics_count_outcomes_ends_and_calls() {
    let counted = recorded(everything_on_a_paused_clock);
    assert_eq!(
        counted,
        [
            "idempotency_executions_total freed 1",
            "idempotency_executions_total recorded 1",
            "idempotency_requests_total execute 2",
            "idempotency_requests_total mismatch 1",
            "idempotency_requests_total replay 1",
            "idempotency_requests_total store_unavailable 1",
            "idempotency_store_call_duration_seconds claim ok 4",
            "idempotency_store_call_duration_seconds claim unavailable 1",
            "idempotency_store_call_duration_seconds complete ok 1",
            "idempotency_store_call_duration_seconds release ok 1",
        ]
    );
}

#[test]
fn each_counter_begins_at_zero_and_is_there_before_it_counts() {
    let begun = recorded(idem_core::event::describe_metrics);
    assert!(
        begun.iter().all(|counter| counter.ends_with(" 0")),
        "{begun:?}"
    );
    let both = recorded(|| {
        idem_core::event::describe_metrics();
        everything_on_a_paused_clock();
    });
    let counters = both.iter().filter(|it| !it.contains("_seconds "));
    assert_eq!(counters.count(), begun.len(), "{both:?}");
}
