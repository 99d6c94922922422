//! A body whose beginning was read.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// The body of an answer: what was read of it already, and the rest.
pub struct AnswerBody<B> {
    read: VecDeque<Frame<Bytes>>,
    rest: Option<Pin<Box<B>>>,
}

impl<B: Body<Data = Bytes>> AnswerBody<B> {
    /// With nothing read.
    pub(crate) fn streaming(body: B) -> Self {
        Self {
            read: VecDeque::new(),
            rest: Some(Box::pin(body)),
        }
    }

    /// Reads the body to its end, or until there is more of it than the limit.
    pub(crate) async fn read(body: B, limit: usize) -> Result<Self, B::Error> {
        let mut body = Box::pin(body);
        let (mut read, mut length) = (VecDeque::new(), 0_usize);
        while length <= limit {
            let Some(frame) = body.frame().await.transpose()? else {
                return Ok(Self { read, rest: None });
            };
            length = length.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            read.push_back(frame);
        }
        Ok(Self {
            read,
            rest: Some(body),
        })
    }

    /// What was read.
    pub(crate) fn beginning(&self) -> Bytes {
        let mut parts = self.read.iter().filter_map(Frame::data_ref);
        match (parts.next(), parts.next()) {
            (None, _) => Bytes::new(),
            (Some(one), None) => one.clone(),
            (Some(one), Some(two)) => {
                let mut all = BytesMut::from(one.as_ref());
                all.extend_from_slice(two);
                parts.for_each(|part| all.extend_from_slice(part));
                all.freeze()
            }
        }
    }
}

impl<B: Body<Data = Bytes>> Body for AnswerBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(frame) = self.read.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut self.rest {
            Some(rest) => rest.as_mut().poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let lengths = self.read.iter().filter_map(Frame::data_ref).map(Bytes::len);
        let read = lengths.sum::<usize>() as u64;
        let Some(rest) = &self.rest else {
            return SizeHint::with_exact(read);
        };
        let (of_rest, mut hint) = (rest.size_hint(), SizeHint::new());
        hint.set_lower(read.saturating_add(of_rest.lower()));
        if let Some(upper) = of_rest.upper() {
            hint.set_upper(read.saturating_add(upper));
        }
        hint
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").finish_non_exhaustive()
    }
}
