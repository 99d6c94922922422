//! What is recorded of a response.

use bytes::Bytes;

use crate::{
    engine::Idempotency,
    record::{NotKept, Outcome},
    response::{Recordable, Response},
};

/// The policy's rules about responses, for the time of one execution.
#[derive(Clone, Debug)]
pub struct Recording {
    idempotency: Idempotency,
    limit: usize,
}

impl Recording {
    pub(crate) fn new(idempotency: &Idempotency) -> Self {
        let limit = idempotency.policy().response_limit();
        let store = idempotency.store().capacity().max_record_bytes();
        Self {
            idempotency: idempotency.clone(),
            limit: store.map_or(limit, |store| limit.min(store)),
        }
    }

    /// Whether a response with this status and these headers is kept; all others free the key.
    pub fn saves<'a, L>(&self, status: u16, lines: impl FnOnce() -> L) -> bool
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        let headers = || lines().collect();
        self.idempotency.policy().saves(status, headers)
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

    /// The largest response, headers included, that is kept, in bytes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// What is recorded of a response: its status, its body, and those headers that may be
    /// replayed later. One that is over the limit is not kept.
    pub fn outcome<'a, L>(&self, status: u16, lines: impl Fn() -> L, body: Bytes) -> Outcome
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        let connection = lines()
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
            .map(|(_, value)| value);
        let recordable = Recordable::new(
            self.idempotency.policy().unrecorded_header_names(),
            connection,
        );
        let headers = lines()
            .filter(|(name, _)| recordable.allows(name))
            .collect();
        let response = Response::new(status, headers, body);
        if response.size() > self.limit {
            return NotKept::TooLarge.into();
        }
        response.into()
    }
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
