//! What is recorded of a response.

use std::{sync::Arc, time::Duration};

use crate::{
    contract::Capacity,
    policy::{CODE_HEADER, Policy, header_filter::HeaderFilter},
    record::{NotKept, Outcome, Response, STATUSES},
    request::grpc,
};

/// The policy's rules about responses, for the time of one execution.
#[derive(Clone, Debug)]
pub struct ResponseRules {
    policy: Arc<Policy>,
    limit: usize,
    /// Whether 301 and 302 also ask for the same request elsewhere.
    redirects_keep_method: bool,
}

impl ResponseRules {
    pub(crate) fn new(policy: Arc<Policy>, capacity: Capacity) -> Self {
        let limit = policy.max_response_bytes;
        let most = capacity.max_record_bytes();
        Self {
            limit: most.map_or(limit, |most| limit.min(most)),
            policy,
            redirects_keep_method: false,
        }
    }

    /// The rules for responses to a request of this method.
    ///
    /// Clients make a GET of a POST that is answered with 301 or 302, and repeat every other method (RFC 9110, section
    /// 15.4.2, and the Fetch standard).
    #[must_use]
    pub(crate) fn for_method(mut self, method: &str) -> Self {
        self.redirects_keep_method = !method.eq_ignore_ascii_case("POST");
        self
    }

    /// Whether a response with this status and these headers is kept; all others free the key.
    ///
    /// Some responses [never count as a result](crate::Policy::save_when), whatever the policy's rule says.
    pub fn saves<'a, L>(&self, status: u16, lines: impl Fn() -> L) -> bool
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        if self.redirects_keep_method && matches!(status, 301 | 302) {
            return false;
        }
        judged_status(status, lines()).is_some_and(|judged| {
            let headers = || lines().collect();
            self.policy.saves(judged, headers)
        })
    }

    /// Whether a response with this status may be kept, whatever its headers are.
    pub(crate) fn may_save(&self, status: u16) -> bool {
        self.policy.may_save(status)
    }

    /// The part of an outcome that goes into the record; `None` frees the key.
    ///
    /// Every outcome passes here on its way to the store, including a response that an application built by
    /// hand. Such a response is kept even against the policy's rule, unless it hides a failure.
    pub(crate) fn admit(&self, outcome: Outcome) -> Option<Outcome> {
        let response = match outcome {
            Outcome::Response(response) => response,
            Outcome::NotKept(_) => return Some(outcome),
        };
        let (status, lines) = (response.status(), || response.headers().iter());
        if judged_status(status, lines())? != status && !self.saves(status, lines) {
            return None;
        }
        if !STATUSES.contains(&status) {
            return Some(NotKept::NotSerializable.into());
        }
        let filter = self.filter(lines());
        let as_it_is =
            response.size() <= self.limit && lines().all(|(name, _)| filter.allows(name));
        if as_it_is {
            return Some(Outcome::Response(response));
        }
        Some(self.outcome(status, lines, response.body_bytes()))
    }

    /// Why a response that is saved cannot be kept, as far as its head tells.
    pub(crate) fn rules_out<'a, L>(
        &self,
        lines: impl FnOnce() -> L,
        least_length: u64,
    ) -> Option<NotKept>
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        if is_event_stream(lines()) {
            return Some(NotKept::Stream);
        }
        (least_length > self.limit as u64).then_some(NotKept::TooLarge)
    }

    /// How long a body may take to come to its end before it counts as a stream.
    pub(crate) fn time_for_body(&self, length_is_known: bool) -> Duration {
        let unknown = self.policy.stream_after;
        if length_is_known {
            self.policy.lease.max(unknown)
        } else {
            unknown
        }
    }

    /// The largest response, headers included, that is kept, in bytes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// What is recorded of a response: its status, its body, and those headers that may be
    /// replayed later. One that is over the limit is not kept.
    pub(crate) fn outcome<'a, L>(&self, status: u16, lines: impl Fn() -> L, body: &[u8]) -> Outcome
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        let filter = self.filter(lines());
        let lines = || lines().filter(|(name, _)| filter.allows(name));
        let headers: usize = lines().map(|(name, value)| name.len() + value.len()).sum();
        if headers + body.len() > self.limit {
            return NotKept::TooLarge.into();
        }
        Response::packed(status, lines, body).into()
    }

    /// Which of these header lines may be recorded.
    fn filter<'a>(&self, lines: impl Iterator<Item = (&'a str, &'a [u8])>) -> HeaderFilter<'_> {
        let connection = lines
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
            .map(|(_, value)| value);
        HeaderFilter::new(&self.policy.unrecorded_headers, connection)
    }
}

/// The status that decides about a response; `None` if it is not a result, because nothing was done.
///
/// Informational responses belong to a connection, 307 and 308 ask for the same request elsewhere, and a
/// refusal of this library, in another layer or in another server, says that the handler did not run.
fn judged_status<'a>(status: u16, lines: impl Iterator<Item = (&'a str, &'a [u8])>) -> Option<u16> {
    if matches!(status, 100..=199 | 307 | 308) {
        return None;
    }
    let mut judged = status;
    for (name, value) in lines {
        if name.eq_ignore_ascii_case(CODE_HEADER) {
            return None;
        }
        if status < 400 && name.eq_ignore_ascii_case(grpc::STATUS) {
            judged = grpc::http_status(value).unwrap_or(judged);
        }
    }
    Some(judged)
}

/// Whether a response is a stream of server-sent events, which has no end to wait for.
fn is_event_stream<'a>(lines: impl Iterator<Item = (&'a str, &'a [u8])>) -> bool {
    const EVENT_STREAM: &[u8] = b"text/event-stream";
    let mut content_types = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    content_types.any(|(_, value)| {
        let media_type = value.get(..EVENT_STREAM.len());
        media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case(EVENT_STREAM))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_streams_are_known_by_their_type() {
        for (value, is_stream) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("text/plain", false),
            ("", false),
        ] {
            let lines = [("content-type", value.as_bytes())];
            assert_eq!(is_event_stream(lines.into_iter()), is_stream, "{value}");
        }
    }
}
