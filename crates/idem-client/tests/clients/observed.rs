//! What logs and metrics tell of operations, and what they must not.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use idem_client::{IdempotencyKey, describe_metrics};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::scripted::{Told, call, post, retries};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_span_tells_attempts_and_outcome_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // While there is but one subscriber, tracing asks that of the thread which comes to an event first,
    // and another test's thread has none.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let mut request = post();
    let key = IdempotencyKey::new("secret-key").unwrap();
    request.extensions_mut().insert(key);
    let replay = Told::Answer(201, &[("idempotency-replayed", "true")]);
    call(&retries(), [Told::Error, replay], request)
        .await
        .0
        .unwrap();
    let (answered, _) = call(&retries().attempts(1), [Told::Error], post()).await;
    let error = answered.unwrap_err();
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for told in [
        "idempotent_operation{method=POST host=\"a.example\" attempts=2 outcome=\"replayed\"}",
        "idempotent_operation{method=POST host=\"a.example\" attempts=1 outcome=\"unknown\"}",
        "an attempt failed, another follows",
        "the operation may have taken effect",
    ] {
        assert!(log.contains(told), "{told}\n{log}");
    }
    for secret in [
        "secret-key",
        "4242",
        "payload",
        error.key().unwrap().as_str(),
    ] {
        assert!(!log.contains(secret), "{secret}\n{log}");
        assert!(!format!("{error} {error:?}").contains(secret));
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_count_operations_by_outcome_from_zero() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    describe_metrics();
    let replay = Told::Answer(201, &[("idempotency-replayed", "true")]);
    let refused = Told::Answer(400, &[("idempotency-refusal", "idempotency-key-reused")]);
    for script in [
        vec![Told::Answer(201, &[])],
        vec![Told::Error, replay],
        vec![Told::Answer(429, &[])],
        vec![refused],
    ] {
        drop(call(&retries().attempts(2), script, post()).await);
    }
    drop(guard);
    let counted: HashMap<String, u64> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let DebugValue::Counter(count) = value else {
                panic!("no counter: {key:?}")
            };
            let labels: String = key.key().labels().map(|it| it.value().to_owned()).collect();
            (format!("{} {labels}", key.key().name()), count)
        })
        .collect();
    let operations = |outcome| format!("idempotency_client_operations_total {outcome}");
    let expected: HashMap<_, _> = [
        (operations("answered"), 1),
        (operations("replayed"), 1),
        (operations("refused"), 1),
        (operations("not_done"), 1),
        (operations("unknown"), 0),
        ("idempotency_client_retries_total ".to_owned(), 2),
    ]
    .into();
    assert_eq!(counted, expected);
}
