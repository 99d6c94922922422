//! An operation, as it is known before its first attempt.

use std::time::SystemTime;

use http::{Method, Response, Uri};
use tracing::Instrument;

use crate::{
    client::{
        answer_body::AnswerBody, attempts::Attempts, error::Error, events,
        retries::IdempotentRetries, wire::Wire,
    },
    dialect::Dialect,
    key::IdempotencyKey,
};

/// What is known of an operation before its first attempt.
pub(crate) struct Operation {
    pub(crate) method: Method,
    host: String,
    pub(crate) under: Option<UnderKey>,
}

/// What is known of the key.
pub(crate) struct UnderKey {
    pub(crate) dialect: Dialect,
    /// `None` if the request came with a header of its own.
    key: Option<IdempotencyKey>,
    first_sent: Option<SystemTime>,
}

impl Operation {
    pub(crate) fn without_key(method: &Method, uri: &Uri) -> Self {
        Self {
            method: method.clone(),
            host: uri.host().unwrap_or_default().to_owned(),
            under: None,
        }
    }

    pub(crate) fn under(
        mut self,
        dialect: Dialect,
        key: Option<IdempotencyKey>,
        first_sent: Option<SystemTime>,
    ) -> Self {
        self.under = Some(UnderKey {
            dialect,
            key,
            first_sent,
        });
        self
    }

    /// Makes attempts until one is the last.
    pub(crate) async fn run<W: Wire>(
        self,
        retries: &IdempotentRetries,
        wire: &mut W,
        request: W::Request,
    ) -> Result<Response<AnswerBody<W::Body>>, Error> {
        let span = events::operation_span(&self.method, &self.host);
        let ended = Attempts::new(&self, retries)
            .run(wire, request)
            .instrument(span.clone())
            .await;
        events::ended(&span, &ended);
        ended
    }

    #[cfg(feature = "reqwest")]
    pub(crate) const fn is_under_a_key(&self) -> bool {
        self.under.is_some()
    }

    /// When it was sent first, by an earlier process or an earlier call.
    pub(crate) fn first_sent(&self) -> Option<SystemTime> {
        self.under.as_ref()?.first_sent
    }

    pub(crate) fn key(&self) -> Option<IdempotencyKey> {
        self.under.as_ref()?.key.clone()
    }
}
