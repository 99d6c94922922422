//! Pauses, deadlines, budgets and retentions, on a paused clock.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use idem_client::{
    BoxError, Dialect, FirstSent, IdempotencyKey, Report, RetryBudget, decision::GaveUp,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::scripted::{Told, call, post, retries};

const SECOND: Duration = Duration::from_secs(1);
const UNAVAILABLE: Told = Told::Answer(503, &[]);
const DONE: Told = Told::Answer(201, &[]);

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_in_seconds_and_as_a_date() {
    let date = [
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("retry-after", "Sun, 06 Nov 1994 08:49:57 GMT"),
    ];
    let date: &'static [_] = Box::leak(Box::new(date));
    let script = [
        Told::Answer(503, &[("retry-after", "7")]),
        Told::Answer(202, date),
        Told::Answer(429, date),
        DONE,
    ];
    // Without the header that says so, 202 is an answer.
    let (answered, seen) = call(&retries(), script, post()).await;
    assert_eq!(answered.unwrap().status(), 202);
    let script = [
        Told::Answer(503, &[("retry-after", "7")]),
        Told::Answer(429, date),
        DONE,
    ];
    let (answered, again) = call(&retries(), script, post()).await;
    assert_eq!(answered.unwrap().status(), 201);
    for pauses in [seen.pauses(), again.pauses()] {
        assert!(
            pauses[0] >= 7 * SECOND && pauses[0] < 8 * SECOND,
            "{pauses:?}"
        );
    }
    let pause = again.pauses()[1];
    assert!(pause >= 20 * SECOND && pause < 22 * SECOND, "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_the_longest_and_are_jittered() {
    let retries = retries().pauses(SECOND, 4 * SECOND).attempts(7);
    let mut firsts = Vec::new();
    for _ in 0..4 {
        let (answered, seen) = call(&retries, [Told::Error], post()).await;
        let error = answered.unwrap_err();
        assert_eq!(
            (error.gave_up(), error.attempts()),
            (GaveUp::AttemptsSpent, 7)
        );
        let pauses = seen.pauses();
        for (pause, base) in pauses.iter().zip([1, 2, 4, 4, 4, 4]) {
            // A timer is due within its millisecond.
            let slack = Duration::from_millis(2);
            assert!(
                *pause >= base * SECOND && *pause <= 2 * base * SECOND + slack,
                "{pauses:?}"
            );
        }
        firsts.push(pauses[0]);
    }
    firsts.dedup();
    assert!(firsts.len() > 1, "{firsts:?}");
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_deadline() {
    let retries = retries().deadline(10 * SECOND).attempts(100);
    let (answered, seen) = call(&retries, [UNAVAILABLE], post()).await;
    let error = answered.unwrap_err();
    assert_eq!(error.gave_up(), GaveUp::DeadlinePassed);
    assert!(error.may_have_taken_effect());
    assert_eq!(error.answer().unwrap().status(), 503);
    assert!(seen.times().last().unwrap() < &(10 * SECOND));
    assert!(seen.times().len() > 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_given_up_at_its_timeout_and_at_the_deadline() {
    let began = tokio::time::Instant::now();
    let retries = retries().deadline(100 * SECOND);
    let (answered, seen) = call(&retries, [Told::Silence], post()).await;
    let error = answered.unwrap_err();
    assert!(error.may_have_taken_effect());
    // 35 s each, and what is left for the third.
    assert_eq!(seen.times().len(), 3);
    assert!(seen.pauses()[0] > 35 * SECOND && seen.pauses()[0] < 36 * SECOND);
    let took = began.elapsed();
    assert!(took >= 100 * SECOND && took < 101 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_attempt_is_made_that_could_arrive_when_the_key_is_forgotten() {
    let retries = retries()
        .server(
            "http://a.example/pay".parse().unwrap(),
            Dialect::idem().retention(60 * SECOND),
        )
        .deadline(Duration::MAX)
        .attempts(1000);
    let (answered, seen) = call(&retries, [Told::Error], post()).await;
    let error = answered.unwrap_err();
    assert_eq!(error.gave_up(), GaveUp::RetentionPassed);
    assert!(error.may_have_taken_effect());
    assert!(error.first_sent().is_some());
    // 60 s less the 35 s that an attempt may take.
    assert!(seen.times().last().unwrap() <= &(25 * SECOND));
    assert!(seen.times().len() > 2);
}

#[tokio::test(start_paused = true)]
async fn the_retention_counts_from_an_earlier_process() {
    let sent_before = |age: Duration| {
        let mut request = post();
        let at = SystemTime::now() - age;
        request.extensions_mut().insert(IdempotencyKey::random());
        request.extensions_mut().insert(FirstSent(at));
        (request, at)
    };
    let (request, at) = sent_before(3600 * SECOND - 30 * SECOND);
    let (answered, seen) = call(&retries(), [DONE], request).await;
    let error = answered.unwrap_err();
    assert_eq!(
        (error.gave_up(), error.attempts()),
        (GaveUp::RetentionPassed, 0)
    );
    assert!(error.may_have_taken_effect());
    assert_eq!(error.first_sent(), Some(at));
    assert!(error.to_string().contains("nothing was sent"), "{error}");
    assert!(seen.times().is_empty());

    let (request, _) = sent_before(3600 * SECOND - 60 * SECOND);
    let (answered, _) = call(&retries(), [DONE], request).await;
    assert_eq!(answered.unwrap().status(), 201);
    // What was sent before may have been done, even if nothing arrives now.
    let (request, _) = sent_before(SECOND);
    let (answered, _) = call(&retries().attempts(1), [Told::Answer(429, &[])], request).await;
    assert!(answered.unwrap_err().may_have_taken_effect());
}

#[tokio::test(start_paused = true)]
async fn the_retention_is_asked_again_after_a_pause_that_took_longer() {
    let mut request = post();
    let at = SystemTime::now() - 3600 * SECOND + 120 * SECOND;
    request.extensions_mut().insert(IdempotencyKey::random());
    request.extensions_mut().insert(FirstSent(at));
    let retries = retries()
        .deadline(Duration::MAX)
        .pauses(40 * SECOND, 40 * SECOND);
    let stopped = async {
        tokio::time::sleep(SECOND).await;
        // The process is stopped in the pause.
        tokio::time::advance(3600 * SECOND).await;
    };
    let ((answered, seen), ()) = tokio::join!(call(&retries, [Told::Error], request), stopped);
    let error = answered.unwrap_err();
    assert_eq!(error.gave_up(), GaveUp::RetentionPassed);
    assert_eq!(error.first_sent(), Some(at));
    assert_eq!(seen.times().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_call_sent_is_not_forgotten_where_nothing_is_sent() {
    let at = SystemTime::now() - SECOND;
    let key = IdempotencyKey::random();
    for given in [None, Some(key)] {
        let mut request = Request::post("http://unnamed.example/pay")
            .body(Full::from("payload"))
            .unwrap();
        request.extensions_mut().insert(FirstSent(at));
        if let Some(key) = &given {
            request.extensions_mut().insert(key.clone());
        }
        let (answered, seen) = call(&retries(), [DONE], request).await;
        let error = answered.unwrap_err();
        assert_eq!(error.gave_up(), GaveUp::ServerNotNamed);
        assert!(error.may_have_taken_effect());
        assert_eq!(
            (error.key(), error.first_sent()),
            (given.as_ref(), Some(at))
        );
        assert!(seen.times().is_empty());
    }
}

/// A body of a known length that breaks off.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(Some(Err("the file is gone".into())))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(7)
    }
}

#[tokio::test]
async fn what_an_earlier_call_sent_is_not_forgotten_where_the_body_breaks_off() {
    let (at, key) = (SystemTime::now() - SECOND, IdempotencyKey::random());
    let request = Request::post("http://a.example/pay")
        .extension(FirstSent(at))
        .extension(key.clone())
        .body(axum::body::Body::new(Broken))
        .unwrap();
    let service = service_fn(async |_| Ok::<_, BoxError>(Response::new(Full::<Bytes>::default())));
    let error = retries().layer(service).oneshot(request).await.unwrap_err();
    let error = error.downcast::<idem_client::Error>().unwrap();
    assert_eq!((error.gave_up(), error.attempts()), (GaveUp::Failed, 0));
    assert!(error.may_have_taken_effect());
    assert_eq!((error.key(), error.first_sent()), (Some(&key), Some(at)));
}

#[tokio::test(start_paused = true)]
async fn a_budget_bounds_the_retries_of_all_operations() {
    let retries = retries()
        .budget(RetryBudget::new(1, 0.0))
        .pauses(Duration::ZERO, Duration::ZERO);
    let mut attempts = 0;
    for _ in 0..20 {
        let (answered, seen) = call(&retries, [UNAVAILABLE], post()).await;
        attempts += seen.times().len();
        let error = answered.unwrap_err();
        assert!(matches!(
            error.gave_up(),
            GaveUp::BudgetSpent | GaveUp::AttemptsSpent
        ));
        assert!(error.may_have_taken_effect());
    }
    // One a second, for ten seconds.
    assert_eq!(attempts, 20 + 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_to_be_kept_is_sent_once() {
    let most = 1024 * 1024;
    for (length, attempts) in [(most, 2), (most + 1, 1)] {
        let mut request = post();
        *request.body_mut() = Full::from(Bytes::from(vec![b'x'; length]));
        let (answered, seen) = call(&retries().attempts(2), [Told::Error], request).await;
        let error = answered.unwrap_err();
        assert_eq!(seen.times().len(), attempts);
        assert_eq!(error.gave_up() == GaveUp::BodyNotRepeatable, attempts == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unnamed_server_is_asked_once_whatever_the_error() {
    for told in [Told::Error, Told::Silence, UNAVAILABLE] {
        let request = Request::post("http://b.example/pay").body(Full::from("payload"));
        let (answered, seen) = call(&retries(), [told], request.unwrap()).await;
        assert_eq!(seen.times().len(), 1);
        match answered {
            Ok(response) => assert_eq!(response.status(), 503),
            Err(error) => assert_eq!(error.gave_up(), GaveUp::NotUnderAKey),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_refuses_a_retry_does_not_hide_the_first_attempt() {
    let script = [Told::Error, Told::Answer(401, &[])];
    let (answered, _) = call(&retries(), script, post()).await;
    let response = answered.unwrap();
    assert_eq!(response.status(), 401);
    assert!(
        response
            .extensions()
            .get::<Report>()
            .unwrap()
            .may_have_taken_effect()
    );
    let (answered, _) = call(&retries(), [Told::Answer(401, &[])], post()).await;
    let response = answered.unwrap();
    assert!(
        !response
            .extensions()
            .get::<Report>()
            .unwrap()
            .may_have_taken_effect()
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_the_limit_flows_through_whole() {
    for limit in [0, 1, 6, 7] {
        let (answered, _) = call(&retries().answer_limit(limit), [DONE], post()).await;
        assert_eq!(answered.unwrap().into_body(), "answer");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_was_sent_before_gets_no_new_key() {
    let mut request = post();
    request
        .extensions_mut()
        .insert(FirstSent(SystemTime::now() - SECOND));
    let (answered, seen) = call(&retries(), [DONE], request).await;
    let error = answered.unwrap_err();
    assert_eq!(error.gave_up(), GaveUp::KeyNotGiven);
    assert!(error.may_have_taken_effect());
    assert!(seen.times().is_empty());
}
