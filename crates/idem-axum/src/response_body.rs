//! Reading a response's body to keep it, and handing it on whole even where it cannot be kept.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{Error, body::Body};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use idem_core::NotKept;

/// What of a body is kept, and the body for the client.
pub(crate) type Kept = (Result<Bytes, NotKept>, Body);

/// Reads a body of up to `limit` bytes; a longer one, an event stream or one with trailers is not
/// kept, and goes on to the client from where it was read to.
pub(crate) async fn keep(headers: &HeaderMap, body: Body, limit: usize) -> Kept {
    if is_event_stream(headers) {
        return (Err(NotKept::Stream), body);
    }
    if body.size_hint().lower() > limit as u64 {
        return (Err(NotKept::TooLarge), body);
    }
    let mut reading = Reading {
        read: VecDeque::new(),
        rest: body,
    };
    match reading.read_up_to(limit).await {
        Ok(()) => {
            let bytes = reading.join();
            (Ok(bytes.clone()), Body::from(bytes))
        }
        Err(reason) => (Err(reason), Body::new(reading)),
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    const EVENT_STREAM: &[u8] = b"text/event-stream";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let media_type = value.as_bytes().get(..EVENT_STREAM.len());
        media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case(EVENT_STREAM))
    })
}

/// A body that was read in part: it gives what was read, and then the rest.
struct Reading {
    read: VecDeque<Result<Frame<Bytes>, Error>>,
    rest: Body,
}

impl Reading {
    /// Reads to the end, or to where it is known that the body is not kept.
    async fn read_up_to(&mut self, limit: usize) -> Result<(), NotKept> {
        let mut length = 0;
        while let Some(frame) = self.rest.frame().await {
            let data = frame
                .as_ref()
                .ok()
                .and_then(Frame::data_ref)
                .map(Bytes::len);
            self.read.push_back(frame);
            // Trailers, or an error that the client must see as it would without us.
            length += data.ok_or(NotKept::Stream)?;
            if length > limit {
                return Err(NotKept::TooLarge);
            }
        }
        Ok(())
    }

    /// All data that was read, in one piece; a body of one frame is not copied.
    fn join(self) -> Bytes {
        let mut data = self
            .read
            .into_iter()
            .filter_map(|frame| frame.ok()?.into_data().ok());
        let first = data.next().unwrap_or_default();
        match data.next() {
            None => first,
            Some(second) => {
                let mut joined = BytesMut::from(first);
                joined.extend_from_slice(&second);
                data.for_each(|more| joined.extend_from_slice(&more));
                joined.freeze()
            }
        }
    }
}

impl http_body::Body for Reading {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let read: usize = self
            .read
            .iter()
            .filter_map(|frame| frame.as_ref().ok()?.data_ref())
            .map(Bytes::len)
            .sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + read as u64);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + read as u64);
        }
        hint
    }
}
