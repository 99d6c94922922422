//! Reading a request's body whole, up to a limit, before its key is claimed.

use std::{
    error::Error,
    future::ready,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header::{CONTENT_LENGTH, HeaderValue},
};
use bytes::Bytes;
use futures_util::stream::{Stream, once};
use idem_core::{
    Refusal,
    adapter::{BufferedBody, Frames, causes},
};

/// Reads a request's body to its end, and leaves it there for the handler, sharing the bytes.
pub(crate) async fn read(request: &mut ServiceRequest, limit: usize) -> Result<Bytes, Refusal> {
    let announced = announced_length(request).unwrap_or(0);
    let mut reading = BufferedBody::new(RequestFrames(request.take_payload()));
    if let Some(Err(error)) = reading.read_payload(announced, limit).await? {
        return Err(refusal(&error));
    }
    let bytes = reading.into_data();
    let payload = Box::pin(once(ready(Ok(bytes.clone()))));
    request.set_payload(Payload::Stream { payload });
    Ok(bytes)
}

fn announced_length(request: &ServiceRequest) -> Option<u64> {
    let length = request.headers().get(CONTENT_LENGTH)?;
    HeaderValue::to_str(length).ok()?.parse().ok()
}

struct RequestFrames(Payload);

impl Frames for RequestFrames {
    type Frame = Result<Bytes, PayloadError>;

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Frame>> {
        Pin::new(&mut self.0).poll_next(cx)
    }

    fn into_data(frame: Self::Frame) -> Result<Bytes, Self::Frame> {
        frame.map_err(Err)
    }

    fn from_data(data: Bytes) -> Self::Frame {
        Ok(data)
    }
}

/// What a body that breaks off is refused with, as without a key: a limit outside the middleware is an error inside
/// the payload.
fn refusal(error: &PayloadError) -> Refusal {
    let is_overflow = |cause: &(dyn Error + 'static)| {
        matches!(cause.downcast_ref(), Some(PayloadError::Overflow))
    };
    if causes(error).any(is_overflow) {
        Refusal::PayloadTooLarge { limit: None }
    } else {
        Refusal::PayloadUnreadable
    }
}
