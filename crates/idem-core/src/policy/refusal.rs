//! Answers that the library gives in the handler's place, and how each profile words them.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::{
    events::Answered,
    policy::{Policy, Profile, rules::RETRY_AFTER},
    record::{NotKept, Response},
    request::InvalidKey,
};

/// Names the refusal's code in every profile, whatever the body's shape.
pub(crate) const CODE_HEADER: &str = "idempotency-refusal";

/// Why a request was answered without its handler.
///
/// It contains nothing from the record, and nothing from a store's error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The route requires a key.
    KeyMissing,
    /// The key is malformed or against the API's rules.
    KeyInvalid(InvalidKey),
    /// The body is over the limit.
    PayloadTooLarge {
        /// The limit in bytes; `None` if a limit outside the layer was exceeded, not this library's.
        limit: Option<usize>,
    },
    /// The body could not be read to its end.
    PayloadUnreadable,
    /// The key came with another request before.
    Mismatch,
    /// The key was used with other credentials before.
    OtherCaller,
    /// The original is still running.
    InProgress {
        /// When it is worth asking again.
        retry_after: Duration,
    },
    /// The original is still running, and the allowed number of duplicates is already waiting.
    TooManyWaiters,
    /// The original completed, but its response was not kept.
    NotKept(NotKept),
    /// The store did not answer, and nothing was executed.
    StoreUnavailable,
    /// The handler's transaction was rolled back, so that nothing was done; trying again can help.
    RolledBack,
    /// The handler's transaction cannot be committed, so that nothing was done.
    NotCommitted,
    /// It could not be found out whether the handler's transaction was committed.
    OutcomeUnknown,
    /// The server is shutting down, and nothing was executed.
    ShuttingDown,
}

impl Refusal {
    /// A code for programs: each refusal has its own, the same in every profile.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyMissing => "idempotency-key-missing",
            Self::KeyInvalid(_) => "idempotency-key-invalid",
            Self::PayloadTooLarge { .. } => "payload-too-large",
            Self::PayloadUnreadable => "payload-unreadable",
            Self::Mismatch => "idempotency-key-reused",
            Self::OtherCaller => "idempotency-key-of-other-caller",
            Self::InProgress { .. } => "idempotency-in-progress",
            Self::TooManyWaiters => "idempotency-too-many-waiters",
            Self::NotKept(_) => "idempotency-response-not-kept",
            Self::StoreUnavailable => "idempotency-store-unavailable",
            Self::RolledBack => "idempotency-rolled-back",
            Self::NotCommitted => "idempotency-not-committed",
            Self::OutcomeUnknown => "idempotency-outcome-unknown",
            Self::ShuttingDown => "idempotency-shutting-down",
        }
    }

    /// What it counts as where a key was asked about; `None` if none was.
    pub(crate) const fn answered(&self) -> Option<Answered> {
        Some(match self {
            Self::Mismatch => Answered::Mismatch,
            Self::OtherCaller => Answered::OtherCaller,
            Self::InProgress { .. } => Answered::InProgress,
            Self::TooManyWaiters => Answered::TooManyWaiters,
            Self::NotKept(_) => Answered::NotKept,
            Self::StoreUnavailable => Answered::StoreUnavailable,
            Self::ShuttingDown => Answered::ShuttingDown,
            _ => return None,
        })
    }

    /// The status in a profile.
    #[must_use]
    pub const fn status(&self, profile: Profile) -> u16 {
        match self {
            Self::KeyMissing | Self::KeyInvalid(_) | Self::PayloadUnreadable => 400,
            Self::PayloadTooLarge { .. } => 413,
            Self::Mismatch | Self::OtherCaller => match profile {
                Profile::Ietf => 422,
                Profile::Reference | Profile::Stripe => 400,
            },
            Self::InProgress { .. } => match profile {
                Profile::Reference => 202,
                Profile::Ietf | Profile::Stripe => 409,
            },
            Self::TooManyWaiters => 429,
            Self::NotKept(_) => 409,
            Self::NotCommitted => 500,
            Self::StoreUnavailable
            | Self::RolledBack
            | Self::OutcomeUnknown
            | Self::ShuttingDown => 503,
        }
    }

    /// The answer to the client, as the policy words it: in its profile's words, or by
    /// [`Policy::render_refusals`].
    #[must_use]
    pub fn to_response(&self, policy: &Policy) -> Response {
        let ours = self.in_profile(policy);
        policy.refusals.render(self, ours, &policy.replay_marker)
    }

    fn in_profile(&self, policy: &Policy) -> Response {
        let status = self.status(policy.profile());
        let (link, seconds);
        let mut lines: Vec<(&str, &[u8])> = Vec::with_capacity(4);
        let body = match policy.profile() {
            Profile::Ietf => {
                lines.push(("content-type", b"application/problem+json"));
                link = format!("<{}>; rel=\"describedby\"", self.documented_at(policy));
                lines.push(("link", link.as_bytes()));
                self.problem(status, policy)
            }
            Profile::Reference | Profile::Stripe => {
                lines.push(("content-type", b"application/json"));
                json(&Message {
                    message: &self.message(&policy.header),
                })
            }
        };
        lines.push((CODE_HEADER, self.code().as_bytes()));
        if let Some(retry_after) = self.retry_after_seconds() {
            seconds = retry_after.to_string();
            lines.push((RETRY_AFTER, seconds.as_bytes()));
        }
        Response::packed(status, || lines.iter().copied(), &body)
    }

    /// Whole seconds, rounded up and at least one: less would bring the client back too early.
    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::TooManyWaiters
            | Self::StoreUnavailable
            | Self::RolledBack
            | Self::OutcomeUnknown
            | Self::ShuttingDown => Some(1),
            Self::InProgress { retry_after } => Some(
                retry_after
                    .as_nanos()
                    .div_ceil(1_000_000_000)
                    .clamp(1, u64::MAX.into()) as u64,
            ),
            _ => None,
        }
    }

    /// Where the API's documentation describes this refusal.
    fn documented_at(&self, policy: &Policy) -> String {
        format!("{}#{}", policy.documentation, self.code())
    }

    fn problem(&self, status: u16, policy: &Policy) -> Bytes {
        json(&Problem {
            r#type: &self.documented_at(policy),
            title: self.title(),
            status,
            detail: &self.message(&policy.header),
            code: self.code(),
        })
    }

    /// What it is, in a few words for people; the same in every profile.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::KeyMissing => "Idempotency-Key is missing",
            Self::KeyInvalid(_) => "Idempotency-Key is not valid",
            Self::PayloadTooLarge { .. } => "The payload is too large",
            Self::PayloadUnreadable => "The payload could not be read",
            Self::Mismatch => "Idempotency-Key is already used",
            Self::OtherCaller => "Idempotency-Key is already used by another caller",
            Self::InProgress { .. } => "A request is outstanding for this Idempotency-Key",
            Self::TooManyWaiters => "Too many requests wait for this API",
            Self::NotKept(_) => "The response was not kept",
            Self::StoreUnavailable => "Idempotency is unavailable for now",
            Self::RolledBack => "The operation was rolled back",
            Self::NotCommitted => "The operation could not be committed",
            Self::OutcomeUnknown => "The outcome is not known yet",
            Self::ShuttingDown => "The server is shutting down",
        }
    }

    /// What happened and what the client should do, for people. `header` is the name of the key's header, as the
    /// API's clients know it.
    #[must_use]
    pub fn message(&self, header: &str) -> String {
        match self {
            Self::KeyMissing => format!(
                "this operation requires the header `{header}`; send a new unique value, such as a \
                 UUID, and the same one with each retry"
            ),
            Self::KeyInvalid(reason) => format!("the header `{header}` is not valid: {reason}"),
            Self::PayloadTooLarge { limit: Some(limit) } => {
                format!(
                    "the request was not executed, because its body is too large; send at most {limit} bytes"
                )
            }
            Self::PayloadTooLarge { limit: None } => {
                "the request was not executed, because its body is too large; send less".to_owned()
            }
            Self::PayloadUnreadable => {
                "the request was not executed, because its body could not be read to its end; send it \
                 again with the same key"
                    .to_owned()
            }
            Self::Mismatch => format!(
                "this `{header}` was used before with another request, which may have been executed; \
                 to retry that, send the same method, path and payload as before; only a new operation \
                 takes a new key"
            ),
            Self::OtherCaller => format!(
                "this `{header}` was used before with other credentials, and that request may have been \
                 executed; retry it with the credentials that it was sent with, or look for its result; \
                 only a new operation takes a new key"
            ),
            Self::InProgress { .. } => {
                "the first request with this key is still being processed; nothing was executed \
                 again; send it again later with the same key for its result"
                    .to_owned()
            }
            Self::TooManyWaiters => {
                "the first request with this key is still being processed, and too many others \
                 wait already; send it again later with the same key"
                    .to_owned()
            }
            Self::NotKept(reason) => format!(
                "the first request with this key was completed and is not executed again, but its \
                 response {} and was not kept; look for its result before you send a new key",
                match reason {
                    NotKept::TooLarge => "was too large",
                    NotKept::Stream => "was a stream",
                    NotKept::NotSerializable => "cannot be serialised",
                }
            ),
            Self::StoreUnavailable => {
                "the request was not executed, because it cannot be protected from running twice \
                 at the moment; send it again later with the same key"
                    .to_owned()
            }
            Self::RolledBack => {
                "the request was rolled back and had no effect; send it again with the same key"
                    .to_owned()
            }
            Self::NotCommitted => {
                "the request could not be committed and had no effect; sending it again unchanged \
                 will fail again"
                    .to_owned()
            }
            Self::OutcomeUnknown => {
                "it is not known yet whether the request took effect; send it again later with the \
                 same key to find out"
                    .to_owned()
            }
            Self::ShuttingDown => {
                "the request was not executed, because this server is shutting down; send it again \
                 with the same key"
                    .to_owned()
            }
        }
    }
}

#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body)
        .expect("text and numbers always serialise")
        .into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn every_refusal() -> Vec<Refusal> {
        let retry_after = Duration::from_millis(1_200);
        vec![
            Refusal::KeyMissing,
            Refusal::KeyInvalid(InvalidKey::NotQuoted),
            Refusal::PayloadTooLarge { limit: Some(10) },
            Refusal::PayloadUnreadable,
            Refusal::Mismatch,
            Refusal::OtherCaller,
            Refusal::InProgress { retry_after },
            Refusal::TooManyWaiters,
            Refusal::NotKept(NotKept::Stream),
            Refusal::StoreUnavailable,
            Refusal::RolledBack,
            Refusal::NotCommitted,
            Refusal::OutcomeUnknown,
            Refusal::ShuttingDown,
        ]
    }

    fn header(response: &Response, name: &str) -> Option<String> {
        let value = response.headers().values(name).next()?;
        Some(String::from_utf8(value.to_vec()).unwrap())
    }

    fn body(response: &Response) -> serde_json::Value {
        serde_json::from_slice(response.body_bytes()).unwrap()
    }

    #[test]
    fn the_statuses_are_those_of_the_table() {
        let statuses = |profile| -> Vec<u16> {
            every_refusal()
                .iter()
                .map(|refusal| refusal.status(profile))
                .collect()
        };
        assert_eq!(
            statuses(Profile::Reference),
            [
                400, 400, 413, 400, 400, 400, 202, 429, 409, 503, 503, 500, 503, 503
            ]
        );
        assert_eq!(
            statuses(Profile::Ietf),
            [
                400, 400, 413, 400, 422, 422, 409, 429, 409, 503, 503, 500, 503, 503
            ]
        );
        assert_eq!(
            statuses(Profile::Stripe),
            [
                400, 400, 413, 400, 400, 400, 409, 429, 409, 503, 503, 500, 503, 503
            ]
        );
    }

    #[test]
    fn every_refusal_has_its_own_code_in_every_profile() {
        let codes: HashSet<_> = every_refusal().iter().map(Refusal::code).collect();
        assert_eq!(codes.len(), every_refusal().len());
        for refusal in every_refusal() {
            for policy in [Policy::reference(), Policy::ietf(), Policy::stripe()] {
                let response = refusal.to_response(&policy);
                assert_eq!(
                    header(&response, CODE_HEADER).as_deref(),
                    Some(refusal.code())
                );
            }
        }
    }

    #[test]
    fn no_advice_has_an_operation_done_twice() {
        for refusal in every_refusal() {
            let message = refusal.message("idempotency-key");
            // A new key is for what was never sent under another one.
            let new_key = message.contains("new key") || message.contains("new unique value");
            let may_have_run = !matches!(
                refusal,
                Refusal::KeyMissing | Refusal::KeyInvalid(_) | Refusal::PayloadTooLarge { .. }
            );
            let is_safe = message.contains("only a new operation takes a new key")
                || message.contains("before you send a new key");
            assert!(!new_key || is_safe || !may_have_run, "{message}");
            let again = message.contains("send it again");
            assert!(!again || message.contains("with the same key"), "{message}");
        }
    }

    #[test]
    fn the_reference_profile_says_it_in_a_message() {
        let response = Refusal::Mismatch.to_response(&Policy::reference());
        assert_eq!(
            header(&response, "content-type").as_deref(),
            Some("application/json")
        );
        let body = body(&response);
        assert!(
            body["message"]
                .as_str()
                .unwrap()
                .contains("idempotency-key")
        );
        assert_eq!(body.as_object().unwrap().len(), 1);
    }

    #[test]
    fn the_ietf_profile_sends_problem_details_and_a_link() {
        let policy = Policy::ietf().documentation("https://api.example.com/idempotency");
        let response = Refusal::KeyMissing.to_response(&policy);
        assert_eq!(
            header(&response, "content-type").as_deref(),
            Some("application/problem+json")
        );
        assert_eq!(
            header(&response, "link").as_deref(),
            Some(
                "<https://api.example.com/idempotency#idempotency-key-missing>; rel=\"describedby\""
            )
        );
        let body = body(&response);
        assert_eq!(
            body["type"],
            "https://api.example.com/idempotency#idempotency-key-missing"
        );
        assert_eq!(body["title"], "Idempotency-Key is missing");
        assert_eq!(body["status"], 400);
        assert_eq!(body["code"], "idempotency-key-missing");
        assert!(
            body["detail"]
                .as_str()
                .unwrap()
                .contains("requires the header")
        );
    }

    #[test]
    fn retry_after_is_in_whole_seconds_and_never_zero() {
        let full = Refusal::TooManyWaiters.to_response(&Policy::reference());
        assert_eq!(header(&full, "retry-after").as_deref(), Some("1"));
        for (rest, seconds) in [
            (0, "1"),
            (1, "1"),
            (1_000, "1"),
            (1_001, "2"),
            (29_999, "30"),
        ] {
            let retry_after = Duration::from_millis(rest);
            let response = Refusal::InProgress { retry_after }.to_response(&Policy::reference());
            assert_eq!(
                header(&response, "retry-after").as_deref(),
                Some(seconds),
                "{rest} ms"
            );
        }
        assert_eq!(
            header(
                &Refusal::Mismatch.to_response(&Policy::reference()),
                "retry-after"
            ),
            None
        );
    }
}
