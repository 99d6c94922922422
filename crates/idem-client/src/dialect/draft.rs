//! Answers as draft-ietf-httpapi-idempotency-key-header-07, section 2.7, has them.

use serde::Deserialize;

use crate::answer::{Answer, Meaning, Refusal};

const OUTSTANDING: &str = "A request is outstanding for this Idempotency-Key";
const ALREADY_USED: &str = "Idempotency-Key is already used";
const MISSING: &str = "Idempotency-Key is missing";

/// Problem details (RFC 9457). Members of other types make it none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    r#type: String,
    title: String,
}

pub(super) fn read(answer: &Answer<'_>, problem_type: Option<&str>) -> Option<Meaning> {
    let content_type = answer.header("content-type")?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/problem+json") {
        return None;
    }
    let problem: Problem = serde_json::from_slice(answer.body).ok()?;
    let is_about_the_key = match problem_type {
        Some(wanted) => problem.r#type.split('#').next() == Some(wanted),
        None => {
            [OUTSTANDING, ALREADY_USED, MISSING].contains(&problem.title.as_str())
                || problem.r#type.to_ascii_lowercase().contains("idempotency")
        }
    };
    if !is_about_the_key {
        return None;
    }
    match answer.status.as_u16() {
        409 => Some(Meaning::InProgress),
        422 => Some(Meaning::Refused(Refusal::Mismatch)),
        400 if problem.title == MISSING => Some(Meaning::Refused(Refusal::KeyMissing)),
        400 => Some(Meaning::Refused(Refusal::KeyInvalid)),
        _ => None,
    }
}
