//! Reading a body whole up to a limit, and handing it on where it is longer.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};

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

/// Why reading stopped before the body's end.
///
/// The enum is complete: a frame is data or it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// There is more data than the limit.
    OverLimit,
    /// A frame is no data; it is the last that was read.
    NotData,
}

impl<F: Frames> Reading<F> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(rest: F) -> Self {
        Self {
            first: None,
            others: VecDeque::new(),
            rest,
        }
    }

    fn read(&self) -> impl Iterator<Item = &F::Frame> {
        self.first.iter().chain(&self.others)
    }

    /// Reads to the end, or to the frame that is no data or takes it over the limit, in bytes.
    ///
    /// # Errors
    /// The body has not ended; all that was read is still there.
    ///
    /// # Cancel safety
    /// Safe: what was read until then is still there.
    pub async fn read_up_to(&mut self, limit: usize) -> Result<(), Stop> {
        let mut length = 0;
        while let Some(frame) = poll_fn(|context| self.rest.poll_frame(context)).await {
            let data = F::data(&frame).map(Bytes::len);
            match self.first {
                None => self.first = Some(frame),
                Some(_) => self.others.push_back(frame),
            }
            length += data.ok_or(Stop::NotData)?;
            if length > limit {
                return Err(Stop::OverLimit);
            }
        }
        Ok(())
    }

    /// All data that was read, in one piece; a body of one frame is not copied.
    #[must_use]
    pub fn join(&self) -> Bytes {
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

    /// Takes the last frame that was read.
    pub fn take_last(&mut self) -> Option<F::Frame> {
        self.others.pop_back().or_else(|| self.first.take())
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
        assert_eq!(reading.read_up_to(4).await, Err(Stop::OverLimit));
        assert_eq!(reading.buffered(), 5);
        assert_eq!(handed_on(reading).await, "go|ats|!");
    }

    #[tokio::test]
    async fn what_is_no_data_is_handed_on_in_its_place() {
        let mut reading = reading(&[Some("go"), None, Some("at")]);
        assert_eq!(reading.read_up_to(4).await, Err(Stop::NotData));
        assert_eq!(handed_on(reading).await, "go|!|at");
    }

    #[tokio::test]
    async fn the_last_frame_is_the_one_that_is_no_data() {
        for frames in [[None, Some("at")], [Some("go"), None]] {
            let mut reading = reading(&frames);
            assert_eq!(reading.read_up_to(4).await, Err(Stop::NotData));
            assert_eq!(reading.take_last(), Some(None));
        }
    }
}
