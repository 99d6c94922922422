//! Answers as Stripe documents them, and as its own clients read them.

use serde::Deserialize;

use crate::answer::{Answer, Meaning, Refusal};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Error,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Error {
    r#type: Option<String>,
    code: Option<String>,
}

pub(super) fn read(answer: &Answer<'_>) -> Option<Meaning> {
    if super::is_replay(answer) {
        return None;
    }
    if answer.status.is_client_error() {
        let error = serde_json::from_slice::<Body>(answer.body)
            .unwrap_or_default()
            .error;
        // An error about the key in use has the type `idempotency_error`, too.
        if error.code.as_deref() == Some("idempotency_key_in_use") {
            return Some(Meaning::InProgress);
        }
        if error.r#type.as_deref() == Some("idempotency_error") {
            return Some(Meaning::Refused(Refusal::Mismatch));
        }
    }
    // stripe-node, stripe-go and the others do as this header says before they look at the status.
    match (answer.header("stripe-should-retry")?, answer.by_status()) {
        ("true", Meaning::Result) if answer.status.is_success() => None,
        ("true", Meaning::Result) => Some(Meaning::Unknown),
        ("false", _) => Some(Meaning::Result),
        _ => None,
    }
}
