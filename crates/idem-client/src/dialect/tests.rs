use http::{HeaderMap, StatusCode};

use super::*;
use crate::answer::Refusal;

fn read(dialect: &Dialect, status: u16, headers: &[(&'static str, &str)], body: &str) -> Meaning {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    dialect.read(&Answer::new(status, &headers, body.as_bytes()))
}

fn every_dialect() -> [Dialect; 4] {
    [
        Dialect::idem(),
        Dialect::draft(),
        Dialect::stripe(),
        Dialect::rule(|_| None),
    ]
}

#[test]
fn neither_202_nor_409_alone_means_in_progress() {
    for dialect in every_dialect() {
        for status in [200, 201, 202, 204, 303, 400, 401, 404, 409, 422, 501] {
            let meaning = read(&dialect, status, &[], r#"{"error":"of the application"}"#);
            assert_eq!(meaning, Meaning::Result, "{dialect:?} {status}");
        }
    }
}

#[test]
fn a_status_that_another_attempt_can_change_is_temporary() {
    for dialect in every_dialect() {
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(
                read(&dialect, status, &[], ""),
                Meaning::Unknown,
                "{status}"
            );
        }
        for status in [425, 429] {
            assert_eq!(
                read(&dialect, status, &[], ""),
                Meaning::NotDone,
                "{status}"
            );
        }
    }
}

#[test]
fn a_replay_is_final_whatever_its_status() {
    for dialect in every_dialect() {
        for name in ["idempotency-replayed", "idempotent-replayed"] {
            for status in [201, 402, 500, 503] {
                let meaning = read(&dialect, status, &[(name, "true")], "");
                assert_eq!(meaning, Meaning::Replay, "{dialect:?} {status}");
            }
        }
    }
}

#[test]
fn every_refusal_of_the_servers_is_known_in_every_profile() {
    use idem_core::{Policy, Refusal as Theirs};

    let retry_after = Duration::from_secs(1);
    let refusals = [
        (Theirs::KeyMissing, Meaning::Refused(Refusal::KeyMissing)),
        (
            Theirs::KeyInvalid(idem_core::InvalidKey::Empty),
            Meaning::Refused(Refusal::KeyInvalid),
        ),
        (
            Theirs::PayloadTooLarge { limit: None },
            Meaning::Refused(Refusal::PayloadTooLarge),
        ),
        (Theirs::PayloadUnreadable, Meaning::NotDone),
        (Theirs::Mismatch, Meaning::Refused(Refusal::Mismatch)),
        (Theirs::OtherCaller, Meaning::Refused(Refusal::OtherCaller)),
        (Theirs::InProgress { retry_after }, Meaning::InProgress),
        (Theirs::TooManyWaiters, Meaning::InProgress),
        (
            Theirs::NotKept(idem_core::store::NotKept::Stream),
            Meaning::Refused(Refusal::AnswerNotKept),
        ),
        (Theirs::StoreUnavailable, Meaning::NotDone),
        (Theirs::RolledBack, Meaning::NotDone),
        (
            Theirs::NotCommitted,
            Meaning::Refused(Refusal::NotCommitted),
        ),
        (Theirs::OutcomeUnknown, Meaning::Unknown),
        (Theirs::ShuttingDown, Meaning::NotDone),
    ];
    for policy in [Policy::reference(), Policy::ietf(), Policy::stripe()] {
        for (refusal, meaning) in &refusals {
            let answer = refusal.to_response(&policy);
            let headers: HeaderMap = answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    let name = HeaderName::try_from(name).unwrap();
                    (name, HeaderValue::from_bytes(value).unwrap())
                })
                .collect();
            let status = StatusCode::from_u16(answer.status()).unwrap();
            for dialect in every_dialect() {
                let read = dialect.read(&Answer::new(status, &headers, &answer.body()));
                assert_eq!(read, *meaning, "{refusal:?}, {dialect:?}");
            }
        }
    }
}

#[test]
fn a_refusal_of_a_later_version_is_never_taken_for_the_answer() {
    let headers = [("idempotency-refusal", "idempotency-new")];
    for status in [200, 202, 400, 409] {
        let meaning = read(&Dialect::idem(), status, &headers, "");
        assert_eq!(meaning, Meaning::Refused(Refusal::Other), "{status}");
    }
    let meaning = read(&Dialect::idem(), 503, &headers, "");
    assert_eq!(meaning, Meaning::Unknown);
}

const PROBLEM: (&str, &str) = ("content-type", "application/problem+json; charset=utf-8");

#[test]
fn the_drafts_problems_are_told_by_title_or_type() {
    let draft = Dialect::draft();
    let outstanding = r#"{"type":"https://a.example/p","title":"A request is outstanding for this Idempotency-Key"}"#;
    assert_eq!(
        read(&draft, 409, &[PROBLEM], outstanding),
        Meaning::InProgress
    );
    let by_type = r#"{"type":"https://developer.example.com/idempotency","title":"Busy"}"#;
    assert_eq!(read(&draft, 409, &[PROBLEM], by_type), Meaning::InProgress);
    let used = r#"{"type":"about:blank","title":"Idempotency-Key is already used"}"#;
    let mismatch = Meaning::Refused(Refusal::Mismatch);
    assert_eq!(read(&draft, 422, &[PROBLEM], used), mismatch);
    let missing = r#"{"title":"Idempotency-Key is missing"}"#;
    let no_key = Meaning::Refused(Refusal::KeyMissing);
    assert_eq!(read(&draft, 400, &[PROBLEM], missing), no_key);
}

#[test]
fn other_problems_are_the_applications() {
    let draft = Dialect::draft();
    for body in [
        r#"{"type":"https://a.example/sold-out","title":"Sold out"}"#,
        r#"{"type":7}"#,
        "{",
        "",
    ] {
        assert_eq!(
            read(&draft, 409, &[PROBLEM], body),
            Meaning::Result,
            "{body}"
        );
    }
    let outstanding = r#"{"title":"A request is outstanding for this Idempotency-Key"}"#;
    let json = ("content-type", "application/json");
    assert_eq!(read(&draft, 409, &[json], outstanding), Meaning::Result);
}

#[test]
fn a_named_problem_type_is_the_only_one_about_keys() {
    let draft = Dialect::draft().problem_type("https://a.example/busy");
    let busy = r#"{"type":"https://a.example/busy#now"}"#;
    assert_eq!(read(&draft, 409, &[PROBLEM], busy), Meaning::InProgress);
    let other = r#"{"type":"https://a.example/idempotency-of-goats"}"#;
    assert_eq!(read(&draft, 409, &[PROBLEM], other), Meaning::Result);
}

#[test]
fn stripes_errors_are_told_by_code_and_type() {
    let stripe = Dialect::stripe();
    let busy = r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#;
    assert_eq!(read(&stripe, 409, &[], busy), Meaning::InProgress);
    let mismatch = r#"{"error":{"type":"idempotency_error"}}"#;
    let refused = Meaning::Refused(Refusal::Mismatch);
    assert_eq!(read(&stripe, 400, &[], mismatch), refused);
    let declined = r#"{"error":{"type":"card_error","code":"card_declined"}}"#;
    assert_eq!(read(&stripe, 402, &[], declined), Meaning::Result);
    let odd = r#"{"error":"no object"}"#;
    assert_eq!(read(&stripe, 409, &[], odd), Meaning::Result);
}

#[test]
fn stripe_says_by_a_header_whether_to_retry() {
    let stripe = Dialect::stripe();
    let should = |value| [("stripe-should-retry", value)];
    assert_eq!(read(&stripe, 500, &should("false"), ""), Meaning::Result);
    assert_eq!(read(&stripe, 409, &should("true"), ""), Meaning::Unknown);
    assert_eq!(read(&stripe, 200, &should("true"), ""), Meaning::Result);
    assert_eq!(read(&stripe, 503, &should("true"), ""), Meaning::Unknown);
    assert_eq!(read(&stripe, 503, &should("perhaps"), ""), Meaning::Unknown);
}
