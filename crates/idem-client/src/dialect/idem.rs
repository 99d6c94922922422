//! Answers of this library's servers, by `Idempotency-Refusal`.

use crate::answer::{Answer, Meaning, Refusal};

pub(super) fn read(answer: &Answer<'_>) -> Option<Meaning> {
    let code = answer.headers.get("idempotency-refusal")?;
    Some(match code.as_bytes() {
        b"idempotency-in-progress" | b"idempotency-too-many-waiters" => Meaning::InProgress,
        b"idempotency-outcome-unknown" => Meaning::Unknown,
        b"idempotency-store-unavailable"
        | b"idempotency-rolled-back"
        | b"idempotency-shutting-down"
        | b"payload-unreadable" => Meaning::NotDone,
        b"idempotency-key-reused" => Meaning::Refused(Refusal::Mismatch),
        b"idempotency-key-of-other-caller" => Meaning::Refused(Refusal::OtherCaller),
        b"idempotency-key-missing" => Meaning::Refused(Refusal::KeyMissing),
        b"idempotency-key-invalid" => Meaning::Refused(Refusal::KeyInvalid),
        b"idempotency-response-not-kept" => Meaning::Refused(Refusal::AnswerNotKept),
        b"idempotency-not-committed" => Meaning::Refused(Refusal::NotCommitted),
        b"payload-too-large" => Meaning::Refused(Refusal::PayloadTooLarge),
        // A later version's: whatever the status, it is not the operation's answer.
        _ => match answer.by_status() {
            Meaning::Result => Meaning::Refused(Refusal::Other),
            temporary => temporary,
        },
    })
}
