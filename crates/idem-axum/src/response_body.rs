//! A response's body as the core reads it, and as its client gets it after that.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{Error, body::Body};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use idem_core::adapter::{BufferedBody, Frames};

/// A body that the core reads frame by frame.
pub(crate) struct BodyFrames(pub(crate) Body);

impl Frames for BodyFrames {
    type Frame = Result<Frame<Bytes>, Error>;

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Frame>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn into_data(frame: Self::Frame) -> Result<Bytes, Self::Frame> {
        match frame {
            Ok(frame) => frame.into_data().map_err(Ok),
            Err(error) => Err(Err(error)),
        }
    }

    fn from_data(data: Bytes) -> Self::Frame {
        Ok(Frame::data(data))
    }

    fn trailers(frame: &Self::Frame) -> impl Iterator<Item = (&str, &[u8])> {
        let trailers = frame.iter().filter_map(Frame::trailers_ref).flatten();
        trailers.map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}

/// A body that was read in part, and goes on to its client whole.
pub(crate) struct ResumedBody(pub(crate) BufferedBody<BodyFrames>);

impl http_body::Body for ResumedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0.poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        let (buffered, rest) = (self.0.buffered(), self.0.rest().0.size_hint());
        let mut hint = SizeHint::new();
        // A body may say that it is as long as can be.
        hint.set_lower(rest.lower().saturating_add(buffered));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(buffered)) {
            hint.set_upper(upper);
        }
        hint
    }
}
