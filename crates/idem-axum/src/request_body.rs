//! Reading a request's body whole, up to a limit, before its key is claimed.

use std::{
    error::Error,
    future,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt, Full, LengthLimitError};
use idem_core::{
    Refusal,
    adapter::{BufferedBody, Frames, causes},
};

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

    /// The body again, for the handler; it shares the bytes.
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

/// Reads a body to its end.
pub(crate) async fn read<B>(body: B, limit: usize) -> Result<Payload, Refusal>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let body = pin!(body);
    let announced = body.size_hint().lower();
    let mut reading = BufferedBody::new(RequestFrames(body));
    let trailers = match reading.read_payload(announced, limit).await? {
        Some(frame) => frame?.into_trailers().ok(),
        None => None,
    };
    let bytes = reading.into_data();
    Ok(Payload { bytes, trailers })
}

struct RequestFrames<'a, B>(Pin<&'a mut B>);

impl<B> Frames for RequestFrames<'_, B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// An error is reported only by the refusal that it leads to.
    type Frame = Result<Frame<Bytes>, Refusal>;

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Frame>> {
        let frame = ready!(self.0.as_mut().poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(|error| refusal(&*error.into()))))
    }

    fn into_data(frame: Self::Frame) -> Result<Bytes, Self::Frame> {
        match frame {
            Ok(frame) => frame.into_data().map_err(Ok),
            Err(refusal) => Err(Err(refusal)),
        }
    }

    fn from_data(data: Bytes) -> Self::Frame {
        Ok(Frame::data(data))
    }
}

/// What a body that breaks off is refused with, as without a key: a limit outside the layer is an error inside the
/// body.
fn refusal(error: &(dyn Error + 'static)) -> Refusal {
    if causes(error).any(<dyn Error>::is::<LengthLimitError>) {
        Refusal::PayloadTooLarge { limit: None }
    } else {
        Refusal::PayloadUnreadable
    }
}
