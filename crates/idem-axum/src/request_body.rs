//! Reading a request's body whole, up to a limit, before its key is claimed.

use std::{
    future,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use idem_core::{Frames, Reading, Refusal, Stop};

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
                let trailers = future::ready(Some(Ok(trailers)));
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
        return Err(Refusal::PayloadTooLarge { limit: Some(limit) });
    }
    let body = pin!(body);
    let mut reading = Reading::new(RequestFrames(body));
    let trailers = match reading.read_up_to(limit).await {
        Ok(()) => None,
        Err(Stop::OverLimit) => return Err(Refusal::PayloadTooLarge { limit: Some(limit) }),
        // Trailers are the last that a body has.
        Err(Stop::NotData) => match reading.take_last().and_then(Result::ok) {
            Some(frame) => frame.into_trailers().ok(),
            None => return Err(Refusal::PayloadUnreadable),
        },
    };
    let bytes = reading.join();
    Ok(Payload { bytes, trailers })
}

struct RequestFrames<'a, B>(Pin<&'a mut B>);

/// A body's own error need not be `Send`, and nobody sees it.
struct Unreadable;

impl<B: http_body::Body<Data = Bytes>> Frames for RequestFrames<'_, B> {
    type Frame = Result<Frame<Bytes>, Unreadable>;

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Frame>> {
        let frame = ready!(self.0.as_mut().poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(|_| Unreadable)))
    }

    fn data(frame: &Self::Frame) -> Option<&Bytes> {
        frame.as_ref().ok()?.data_ref()
    }
}
