//! Reading a response's body to keep it, and handing it on whole where it cannot be kept.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};

use crate::record::NotKept;

/// A body that comes frame by frame, as a web framework has it.
pub trait Frames {
    /// Data, or what only the framework knows: trailers, an error.
    type Frame;

    /// The next frame; `None` is the end.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Self::Frame>>;

    /// The data of a frame that is data.
    fn data(frame: &Self::Frame) -> Option<&Bytes>;
}

/// A body that was read in part: it gives what was read, and then the rest.
pub struct Reading<F: Frames> {
    /// Most bodies are of one frame, which then needs no queue.
    first: Option<F::Frame>,
    others: VecDeque<F::Frame>,
    rest: F,
}

impl<F: Frames> Reading<F> {
    pub(crate) fn new(rest: F) -> Self {
        Self {
            first: None,
            others: VecDeque::new(),
            rest,
        }
    }

    fn read(&self) -> impl Iterator<Item = &F::Frame> {
        self.first.iter().chain(&self.others)
    }

    /// Reads to the end, or to where it is known that the body is not kept.
    pub(crate) async fn read_up_to(&mut self, limit: usize) -> Result<(), NotKept> {
        let mut length = 0;
        while let Some(frame) = poll_fn(|context| self.rest.poll_frame(context)).await {
            let data = F::data(&frame).map(Bytes::len);
            match self.first {
                None => self.first = Some(frame),
                Some(_) => self.others.push_back(frame),
            }
            // Trailers, or an error that the client must see as it would without us.
            length += data.ok_or(NotKept::Stream)?;
            if length > limit {
                return Err(NotKept::TooLarge);
            }
        }
        Ok(())
    }

    /// All data that was read, in one piece; a body of one frame is not copied.
    pub(crate) fn join(&self) -> Bytes {
        let mut data = self.read().filter_map(F::data);
        let first = data.next().cloned().unwrap_or_default();
        match data.next() {
            None => first,
            Some(second) => {
                let mut joined = BytesMut::from(first);
                joined.extend_from_slice(second);
                data.for_each(|more| joined.extend_from_slice(more));
                joined.freeze()
            }
        }
    }

    /// The next frame: of what was read, and then of the rest.
    pub fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<F::Frame>> {
        match self.first.take().or_else(|| self.others.pop_front()) {
            Some(frame) => Poll::Ready(Some(frame)),
            None => self.rest.poll_frame(context),
        }
    }

    /// How many bytes were read and not given yet.
    #[must_use]
    pub fn buffered(&self) -> u64 {
        let lengths = self.read().filter_map(F::data).map(Bytes::len);
        lengths.sum::<usize>() as u64
    }

    /// What is left after that.
    #[must_use]
    pub const fn rest(&self) -> &F {
        &self.rest
    }
}

impl<F: Frames> fmt::Debug for Reading<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}

/// Whether a response is a stream of server-sent events, which has no end to wait for.
pub(crate) fn is_event_stream<'a>(lines: impl Iterator<Item = (&'a str, &'a [u8])>) -> bool {
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

    /// Frames that are there at once; what is no data is `None`.
    struct Ready(VecDeque<Option<Bytes>>);

    impl Frames for Ready {
        type Frame = Option<Bytes>;

        fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Self::Frame>> {
            Poll::Ready(self.0.pop_front())
        }

        fn data(frame: &Self::Frame) -> Option<&Bytes> {
            frame.as_ref()
        }
    }

    fn reading(frames: &[Option<&'static str>]) -> Reading<Ready> {
        let frame =
            |text: &Option<&'static str>| text.map(|text| Bytes::from_static(text.as_bytes()));
        Reading::new(Ready(frames.iter().map(frame).collect()))
    }

    /// What the client gets, with `|` between frames and `!` for what is no data.
    async fn handed_on(mut reading: Reading<Ready>) -> String {
        let mut parts = Vec::new();
        while let Some(frame) = poll_fn(|context| reading.poll_frame(context)).await {
            let text = frame.map(|data| String::from_utf8(data.to_vec()).unwrap());
            parts.push(text.unwrap_or_else(|| "!".to_owned()));
        }
        parts.join("|")
    }

    #[tokio::test]
    async fn a_body_within_the_limit_is_one_piece() {
        for (frames, whole) in [
            ([].as_slice(), ""),
            (&[Some("goat")], "goat"),
            (&[Some("go"), Some(""), Some("at")], "goat"),
        ] {
            let mut reading = reading(frames);
            assert_eq!(reading.read_up_to(4).await, Ok(()));
            assert_eq!(reading.join(), whole);
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_handed_on_whole() {
        let mut reading = reading(&[Some("go"), Some("ats"), Some("!")]);
        assert_eq!(reading.read_up_to(4).await, Err(NotKept::TooLarge));
        assert_eq!(reading.buffered(), 5);
        assert_eq!(handed_on(reading).await, "go|ats|!");
    }

    #[tokio::test]
    async fn what_is_no_data_is_handed_on_in_its_place() {
        let mut reading = reading(&[Some("go"), None, Some("at")]);
        assert_eq!(reading.read_up_to(4).await, Err(NotKept::Stream));
        assert_eq!(handed_on(reading).await, "go|!|at");
    }

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
