//! Reading a body whole up to a limit, and handing it on where it is longer.

use std::{
    error::Error,
    fmt,
    future::poll_fn,
    io, iter, mem,
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::policy::Refusal;

/// A body that comes frame by frame, as a web framework has it.
pub trait Frames {
    /// Data, or what only the framework knows: trailers, an error.
    type Frame;

    /// The next frame; `None` is the end.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Self::Frame>>;

    /// The data of a frame that is data.
    ///
    /// # Errors
    /// Any other frame comes back as it is.
    fn into_data(frame: Self::Frame) -> Result<Bytes, Self::Frame>;

    /// A frame of data.
    fn from_data(data: Bytes) -> Self::Frame;

    /// The lines of a frame that holds trailers, each as name and value; none by default.
    fn trailers(frame: &Self::Frame) -> impl Iterator<Item = (&str, &[u8])> {
        let _ = frame;
        iter::empty()
    }
}

/// A body that was read in part: it gives what was read, in one piece, and then the rest.
pub struct BufferedBody<F: Frames> {
    read: Data,
    /// The frame without data at which reading stopped.
    last: Option<F::Frame>,
    rest: F,
}

/// Why reading stopped before the body's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There is more data than the limit.
    OverLimit,
    /// A frame is no data; it is the last that was read.
    NotData,
}

impl<F: Frames> BufferedBody<F> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(rest: F) -> Self {
        Self {
            read: Data::default(),
            last: None,
            rest,
        }
    }

    /// Reads a request's body to its end, for [`Endpoint::read_payload`](crate::adapter::Endpoint::read_payload).
    ///
    /// `announced` is the least number of bytes that its head promises: a body that announces more than the
    /// limit is not read at all. `Some` is a frame without data, at which reading stopped: trailers, which end
    /// a body, or an error.
    ///
    /// # Errors
    /// The body has more bytes than the limit.
    ///
    /// # Cancel safety
    /// Safe: what was read until then is still there.
    pub async fn read_payload(
        &mut self,
        announced: u64,
        limit: usize,
    ) -> Result<Option<F::Frame>, Refusal> {
        if announced <= limit as u64 {
            match self.read_up_to(limit).await {
                Ok(()) => return Ok(None),
                Err(Stop::NotData) => return Ok(self.last.take()),
                Err(Stop::OverLimit) => {}
            }
        }
        Err(Refusal::PayloadTooLarge { limit: Some(limit) })
    }

    /// Reads to the end, or to the frame that has no data or exceeds the limit, in bytes.
    ///
    /// Frames are joined as they come, so that a body of many small ones takes no more room than one of few.
    ///
    /// # Errors
    /// The body has not ended; all that was read is still there.
    ///
    /// # Cancel safety
    /// Safe: what was read until then is still there.
    pub(crate) async fn read_up_to(&mut self, limit: usize) -> Result<(), Stop> {
        while let Some(frame) = poll_fn(|context| self.rest.poll_frame(context)).await {
            match F::into_data(frame) {
                Ok(data) => self.read.push(data),
                Err(frame) => {
                    self.last = Some(frame);
                    return Err(Stop::NotData);
                }
            }
            if self.read.len() > limit {
                return Err(Stop::OverLimit);
            }
        }
        Ok(())
    }

    /// All data that was read, in one piece; a body of one frame is not copied.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.read.into_bytes()
    }

    /// The trailers at which reading stopped.
    pub(crate) fn trailers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.last.iter().flat_map(F::trailers)
    }

    /// The next frame: of what was read, and then of the rest.
    pub fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<F::Frame>> {
        if self.read.len() > 0 {
            let data = mem::take(&mut self.read).into_bytes();
            return Poll::Ready(Some(F::from_data(data)));
        }
        match self.last.take() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => self.rest.poll_frame(context),
        }
    }

    /// How many bytes were read and not given yet.
    #[must_use]
    pub fn buffered(&self) -> u64 {
        self.read.len() as u64
    }

    /// What is left after that.
    #[must_use]
    pub const fn rest(&self) -> &F {
        &self.rest
    }
}

impl<F: Frames> fmt::Debug for BufferedBody<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferedBody")
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}

/// Data in one piece.
enum Data {
    /// Most bodies are of one frame, which is not copied.
    OneFrame(Bytes),
    Joined(Vec<u8>),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::OneFrame(frame) => frame.len(),
            Self::Joined(data) => data.len(),
        }
    }

    fn push(&mut self, more: Bytes) {
        match self {
            Self::OneFrame(first) if first.is_empty() => *first = more,
            Self::OneFrame(_) if more.is_empty() => {}
            Self::OneFrame(first) => *self = Self::Joined([&first[..], &more].concat()),
            Self::Joined(data) => data.extend_from_slice(&more),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::OneFrame(frame) => frame,
            // What it grew beyond its length would stay for as long as the bytes do.
            Self::Joined(data) => data.into_boxed_slice().into(),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self::OneFrame(Bytes::new())
    }
}

/// An error and what caused it, one after the other, for an adapter that must know why a body broke off.
///
/// An [`io::Error`] hides the error that it was made of from [`Error::source`]; here it comes, too.
pub fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    /// Longer chains are a mistake, and an error may be its own cause.
    const MOST: usize = 64;
    fn cause<'e>(error: &&'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
        let hidden = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match hidden {
            Some(hidden) => Some(hidden),
            None => (*error).source(),
        }
    }
    iter::successors(Some(error), cause).take(MOST)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Frames that are there at once; a frame without data is `None`.
    struct Ready(VecDeque<Option<Bytes>>);

    impl Frames for Ready {
        type Frame = Option<Bytes>;

        fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Self::Frame>> {
            Poll::Ready(self.0.pop_front())
        }

        fn into_data(frame: Self::Frame) -> Result<Bytes, Self::Frame> {
            frame.ok_or(None)
        }

        fn from_data(data: Bytes) -> Self::Frame {
            Some(data)
        }
    }

    fn reading(frames: &[Option<&'static str>]) -> BufferedBody<Ready> {
        let frame =
            |text: &Option<&'static str>| text.map(|text| Bytes::from_static(text.as_bytes()));
        BufferedBody::new(Ready(frames.iter().map(frame).collect()))
    }

    /// What the client gets, with `|` between frames and `!` for a frame without data.
    async fn handed_on(mut reading: BufferedBody<Ready>) -> String {
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
            assert_eq!(reading.into_data(), whole);
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_handed_on_whole() {
        let mut reading = reading(&[Some("go"), Some("ats"), Some("!")]);
        assert_eq!(reading.read_up_to(4).await, Err(Stop::OverLimit));
        assert_eq!(reading.buffered(), 5);
        assert_eq!(handed_on(reading).await, "goats|!");
    }

    #[tokio::test]
    async fn what_is_no_data_is_handed_on_in_its_place() {
        let mut reading = reading(&[Some("go"), None, Some("at")]);
        assert_eq!(reading.read_up_to(4).await, Err(Stop::NotData));
        assert_eq!(handed_on(reading).await, "go|!|at");
    }

    #[tokio::test]
    async fn a_payload_is_read_to_the_frame_that_is_no_data() {
        for (frames, last) in [
            ([Some("go"), Some("at")], None),
            ([None, Some("at")], Some(None)),
            ([Some("go"), None], Some(None)),
        ] {
            let mut reading = reading(&frames);
            assert_eq!(reading.read_payload(0, 4).await, Ok(last));
        }
    }

    #[tokio::test]
    async fn a_payload_over_the_limit_is_refused_and_unread_if_it_says_so() {
        let too_large = Err(Refusal::PayloadTooLarge { limit: Some(4) });
        for (announced, read) in [(0, 5), (4, 5), (5, 0), (u64::MAX, 0)] {
            let mut reading = reading(&[Some("goats")]);
            assert_eq!(reading.read_payload(announced, 4).await, too_large);
            assert_eq!(reading.buffered(), read);
        }
    }

    /// What a reading holds on to, in bytes.
    fn held(reading: &BufferedBody<Ready>) -> usize {
        match &reading.read {
            Data::OneFrame(frame) => frame.len(),
            Data::Joined(data) => data.capacity(),
        }
    }

    #[tokio::test]
    async fn a_body_of_many_small_frames_takes_little_more_room_than_its_data() {
        const LENGTH: usize = 100_000;
        let frames = (0..LENGTH)
            .map(|_| Some(Bytes::from_static(b"g")))
            .collect();
        let mut small = BufferedBody::new(Ready(frames));
        assert_eq!(small.read_up_to(LENGTH).await, Ok(()));
        assert!(held(&small) <= 2 * LENGTH, "{} bytes", held(&small));
        let Data::Joined(joined) = small.read else {
            panic!("it came in many frames")
        };
        let bytes = Data::Joined(joined).into_bytes();
        let vec: Vec<u8> = bytes.into();
        assert_eq!((vec.len(), vec.capacity()), (LENGTH, LENGTH));
    }

    #[tokio::test]
    async fn a_body_of_one_frame_is_not_copied() {
        let text = Bytes::from("goats".to_owned());
        let frames = [Bytes::new(), text.clone(), Bytes::new()].map(Some);
        let mut one = BufferedBody::new(Ready(frames.into()));
        assert_eq!(one.read_up_to(5).await, Ok(()));
        assert_eq!(one.into_data().as_ptr(), text.as_ptr());
    }

    #[test]
    fn a_cause_is_found_behind_an_io_error() {
        let cause = io::Error::other(fmt::Error);
        let outer = io::Error::other(cause);
        assert!(causes(&outer).any(<dyn Error>::is::<fmt::Error>));
        assert!(!causes(&io::Error::other("goats")).any(<dyn Error>::is::<fmt::Error>));
    }
}
