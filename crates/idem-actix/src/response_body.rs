//! A response's body as the core reads it, and as its client gets it after that.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use idem_core::adapter::{BufferedBody, Frames};

/// A body that the core reads chunk by chunk.
pub(crate) struct BodyFrames<B> {
    /// As it was announced: not every body counts down while it is read.
    size: BodySize,
    body: Pin<Box<B>>,
}

impl<B: MessageBody> BodyFrames<B> {
    pub(crate) fn new(body: B) -> Self {
        Self {
            size: body.size(),
            body: Box::pin(body),
        }
    }
}

impl<B: MessageBody> Frames for BodyFrames<B> {
    type Frame = Result<Bytes, B::Error>;

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Frame>> {
        self.body.as_mut().poll_next(cx)
    }

    fn into_data(frame: Self::Frame) -> Result<Bytes, Self::Frame> {
        frame.map_err(Err)
    }

    fn from_data(data: Bytes) -> Self::Frame {
        Ok(data)
    }
}

/// A body that was read in part, and goes on to its client whole.
pub(crate) struct ResumedBody<B: MessageBody>(pub(crate) BufferedBody<BodyFrames<B>>);

// The body under it is boxed, and what was read of it is never pinned.
impl<B: MessageBody> Unpin for ResumedBody<B> {}

impl<B: MessageBody> MessageBody for ResumedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.0.rest().size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        self.0.poll_frame(cx)
    }
}
