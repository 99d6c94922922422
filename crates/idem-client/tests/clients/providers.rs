//! What is done against servers that answer as providers document it. One row is one behaviour.

use idem_client::{Answer, Dialect, IdempotencyKey, Meaning, Refusal, Report, decision::GaveUp};

use crate::stub::{Step, Stub, client, gave_up, naming};

/// What the caller learns.
#[derive(Debug, PartialEq)]
enum Told {
    Answer { status: u16, is_replay: bool },
    Refused(Refusal),
}

const fn answer(status: u16) -> Told {
    Told::Answer {
        status,
        is_replay: false,
    }
}

const fn replay(status: u16) -> Told {
    Told::Answer {
        status,
        is_replay: true,
    }
}

type Row = (&'static str, Vec<Step>, usize, Told);

async fn check(dialect: Dialect, key_line: &str, rows: Vec<Row>) {
    for (name, steps, posts, told) in rows {
        let stub = Stub::start(steps).await;
        let request = client(naming(&stub, dialect.clone()))
            .post(stub.url("/v1/payments"))
            .with_extension(IdempotencyKey::new("payment-1").unwrap())
            .body("amount=100");
        let heard = match request.send().await {
            Ok(response) => {
                let report = response.extensions().get::<Report>().unwrap();
                assert_eq!(report.attempts() as usize, posts, "{name}");
                Told::Answer {
                    status: response.status().as_u16(),
                    is_replay: report.is_replay(),
                }
            }
            Err(error) => match gave_up(&error).gave_up() {
                GaveUp::Refused(refusal) => Told::Refused(refusal),
                other => panic!("{name}: {other:?}"),
            },
        };
        assert_eq!(heard, told, "{name}");
        let requests = stub.requests();
        assert_eq!(requests.len(), posts, "{name}");
        for request in requests {
            let request = String::from_utf8(request).unwrap();
            assert!(request.contains(key_line), "{name}: {request}");
        }
    }
}

#[tokio::test]
async fn stripe() {
    let error = |status, error: &str| {
        let headers = ["content-type: application/json"];
        Step::answer(status, &headers, &format!("{{\"error\":{{{error}}}}}"))
    };
    let ok = || Step::answer(200, &[], r#"{"id":"pi_1"}"#);
    let replayed = |status| Step::answer(status, &["idempotent-replayed: true"], "{}");
    let in_use = || {
        error(
            409,
            r#""type":"idempotency_error","code":"idempotency_key_in_use""#,
        )
    };
    let rows = vec![
        ("a payment", vec![ok()], 1, answer(200)),
        (
            "the answer is lost",
            vec![Step::HangUp, replayed(200)],
            2,
            replay(200),
        ),
        (
            "the key is in use",
            vec![in_use(), replayed(200)],
            2,
            replay(200),
        ),
        (
            "the rate is limited",
            vec![error(429, r#""code":"lock_timeout""#), ok()],
            2,
            answer(200),
        ),
        (
            "the key belongs to another request",
            vec![error(400, r#""type":"idempotency_error""#)],
            1,
            Told::Refused(Refusal::Mismatch),
        ),
        (
            "the card is declined",
            vec![error(402, r#""type":"card_error","code":"card_declined""#)],
            1,
            answer(402),
        ),
        (
            "a failure is kept, and replayed",
            vec![Step::status(500), replayed(500)],
            2,
            replay(500),
        ),
        (
            "the server says that a retry does not help",
            vec![Step::answer(500, &["stripe-should-retry: false"], "")],
            1,
            answer(500),
        ),
        (
            "the server says that a retry helps",
            vec![Step::answer(409, &["stripe-should-retry: true"], ""), ok()],
            2,
            answer(200),
        ),
        (
            "a conflict of another kind",
            vec![Step::status(409)],
            1,
            answer(409),
        ),
    ];
    check(Dialect::stripe(), "idempotency-key: payment-1\r\n", rows).await;
}

/// As Adyen documents it: its own errors have an `errorCode`, and another attempt helps where
/// `transient-error` is `true`, and only there. What a gateway in front says has none.
fn adyen() -> Dialect {
    Dialect::rule(|answer: &Answer<'_>| {
        if answer
            .headers
            .get("transient-error")
            .is_some_and(|it| it == "true")
        {
            return Some(Meaning::InProgress);
        }
        let is_its_own = answer.body.windows(11).any(|it| it == b"\"errorCode\"");
        is_its_own.then_some(Meaning::Result)
    })
}

#[tokio::test]
async fn adyen_by_a_rule() {
    let error = |status, transient: &[&str], code: &str| {
        Step::answer(
            status,
            transient,
            &format!(r#"{{"status":{status},"errorCode":"{code}"}}"#),
        )
    };
    let ok = || {
        Step::answer(
            200,
            &["idempotency-key: payment-1"],
            r#"{"resultCode":"Authorised"}"#,
        )
    };
    let transient = ["transient-error: true"];
    let rows = vec![
        ("a payment", vec![ok()], 1, answer(200)),
        (
            "the answer is lost",
            vec![Step::HangUp, ok()],
            2,
            answer(200),
        ),
        (
            "in progress, as 422",
            vec![error(422, &transient, "704"), ok()],
            2,
            answer(200),
        ),
        (
            "in progress, as 409",
            vec![error(409, &transient, "704"), ok()],
            2,
            answer(200),
        ),
        (
            "processed, and not transient",
            vec![error(422, &[], "704")],
            1,
            answer(422),
        ),
        (
            "not transient, by word",
            vec![error(500, &["transient-error: false"], "905")],
            1,
            answer(500),
        ),
        (
            "a failure that is not transient",
            vec![error(500, &[], "905")],
            1,
            answer(500),
        ),
        ("a validation", vec![error(422, &[], "130")], 1, answer(422)),
        (
            "a gateway in front",
            vec![Step::status(502), ok()],
            2,
            answer(200),
        ),
    ];
    check(adyen(), "idempotency-key: payment-1\r\n", rows).await;
}

#[tokio::test]
async fn the_draft() {
    let problem = |status, title: &str| {
        let headers = [
            "content-type: application/problem+json",
            "link: <https://developer.example.com/idempotency>; rel=\"describedby\"",
        ];
        let body =
            format!(r#"{{"type":"https://developer.example.com/idempotency","title":"{title}"}}"#);
        Step::answer(status, &headers, &body)
    };
    let created = || Step::answer(201, &[], "{}");
    let outstanding = || problem(409, "A request is outstanding for this Idempotency-Key");
    let rows = vec![
        ("an order", vec![created()], 1, answer(201)),
        (
            "the answer is lost",
            vec![Step::HangUp, created()],
            2,
            answer(201),
        ),
        (
            "outstanding",
            vec![outstanding(), created()],
            2,
            answer(201),
        ),
        (
            "another payload",
            vec![problem(422, "Idempotency-Key is already used")],
            1,
            Told::Refused(Refusal::Mismatch),
        ),
        (
            "no key",
            vec![problem(400, "Idempotency-Key is missing")],
            1,
            Told::Refused(Refusal::KeyMissing),
        ),
        (
            "a conflict of the application's own",
            vec![Step::status(409)],
            1,
            answer(409),
        ),
        (
            "accepted, by the application itself",
            vec![Step::status(202)],
            1,
            answer(202),
        ),
        (
            "invalid, by the application itself",
            vec![Step::status(422)],
            1,
            answer(422),
        ),
    ];
    check(Dialect::draft(), "idempotency-key: \"payment-1\"\r\n", rows).await;
}

#[tokio::test]
async fn this_library() {
    let refused = |status, code: &str| {
        Step::answer(
            status,
            &[&format!("idempotency-refusal: {code}"), "retry-after: 0"],
            "{}",
        )
    };
    let created = || Step::answer(201, &[], "{}");
    let replayed = || Step::answer(201, &["idempotency-replayed: true"], "{}");
    let mismatch = || Told::Refused(Refusal::Mismatch);
    let in_progress = "idempotency-in-progress";
    let rows = vec![
        (
            "in progress, as 202",
            vec![refused(202, in_progress), replayed()],
            2,
            replay(201),
        ),
        (
            "in progress, as 409",
            vec![refused(409, in_progress), replayed()],
            2,
            replay(201),
        ),
        (
            "accepted, by the application itself",
            vec![Step::status(202)],
            1,
            answer(202),
        ),
        (
            "the store is down",
            vec![refused(503, "idempotency-store-unavailable"), created()],
            2,
            answer(201),
        ),
        (
            "another payload, as 400",
            vec![refused(400, "idempotency-key-reused")],
            1,
            mismatch(),
        ),
        (
            "another payload, as 422",
            vec![refused(422, "idempotency-key-reused")],
            1,
            mismatch(),
        ),
        (
            "another caller",
            vec![refused(400, "idempotency-key-of-other-caller")],
            1,
            Told::Refused(Refusal::OtherCaller),
        ),
        (
            "the answer was not kept",
            vec![Step::HangUp, refused(409, "idempotency-response-not-kept")],
            2,
            Told::Refused(Refusal::AnswerNotKept),
        ),
        (
            "an answer that breaks off is fetched again",
            vec![
                Step::Send("HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\npa".to_owned()),
                replayed(),
            ],
            2,
            replay(201),
        ),
    ];
    check(Dialect::idem(), "idempotency-key: \"payment-1\"\r\n", rows).await;
}

#[tokio::test]
async fn an_answer_that_is_refused_can_be_read_in_the_error() {
    let body = r#"{"message":"used before"}"#;
    let stub = Stub::start([Step::answer(
        400,
        &["idempotency-refusal: idempotency-key-reused"],
        body,
    )])
    .await;
    let request = client(naming(&stub, Dialect::idem())).post(stub.url("/"));
    let error = request.send().await.unwrap_err();
    let answer = gave_up(&error).answer().unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.body().as_ref()),
        (400, body.as_bytes())
    );
    assert!(!format!("{error} {error:?}").contains("used before\""));
}
