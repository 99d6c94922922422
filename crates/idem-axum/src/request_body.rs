//! Reading a request's body whole, up to a limit, before its key is claimed.

use std::future::ready;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use idem_core::Refusal;

/// A body that was read: what is hashed, and what the handler gets.
#[derive(Default)]
pub(crate) struct Payload {
    bytes: Bytes,
    trailers: Option<HeaderMap>,
}

impl Payload {
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The body anew, for the handler; it shares the bytes.
    pub(crate) fn into_body(self) -> Body {
        match self.trailers {
            None => Body::from(self.bytes),
            Some(trailers) => {
                let trailers = ready(Some(Ok(trailers)));
                Body::new(Full::new(self.bytes).with_trailers(trailers))
            }
        }
    }
}

/// Reads a body to its end; one that announces more than the limit is not read at all.
pub(crate) async fn read<B>(body: B, limit: usize) -> Result<Payload, Refusal>
where
    B: http_body::Body<Data = Bytes>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(Refusal::PayloadTooLarge { limit });
    }
    // The error is told apart by its place, for the body's own need not be `Error`.
    let body = body.map_err(|_| Unreadable);
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(Payload {
            trailers: collected.trailers().cloned(),
            bytes: collected.to_bytes(),
        }),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::PayloadTooLarge { limit }),
        Err(_) => Err(Refusal::PayloadUnreadable),
    }
}

#[derive(Debug)]
struct Unreadable;

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body could not be read")
    }
}

impl std::error::Error for Unreadable {}
