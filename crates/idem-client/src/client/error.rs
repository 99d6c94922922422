//! An operation that ended without its answer.

use std::{error::Error as StdError, fmt, time::SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{decision::GaveUp, key::IdempotencyKey};

/// Any error of a client, a service or a body.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// An operation ended without its answer.
///
/// [`may_have_taken_effect`](Self::may_have_taken_effect) says whether it may have been done all the
/// same. The message names neither key nor payload; the source is the last attempt's error.
pub struct Error {
    gave_up: GaveUp,
    attempts: u32,
    may_have_taken_effect: bool,
    key: Option<IdempotencyKey>,
    first_sent: Option<SystemTime>,
    answer: Option<Box<Response<Bytes>>>,
    source: Option<BoxError>,
}

impl Error {
    pub(crate) fn new(gave_up: GaveUp, attempts: u32, may_have_taken_effect: bool) -> Self {
        Self {
            gave_up,
            attempts,
            may_have_taken_effect,
            key: None,
            first_sent: None,
            answer: None,
            source: None,
        }
    }

    /// Nothing was sent by this call; an earlier one may have.
    pub(crate) fn unsent(
        gave_up: GaveUp,
        key: Option<IdempotencyKey>,
        first_sent: Option<SystemTime>,
    ) -> Self {
        Self::new(gave_up, 0, first_sent.is_some())
            .with_key(key)
            .with_first_sent(first_sent)
    }

    pub(crate) fn with_key(mut self, key: Option<IdempotencyKey>) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn with_first_sent(mut self, at: Option<SystemTime>) -> Self {
        self.first_sent = at;
        self
    }

    pub(crate) fn with_answer(mut self, answer: Option<Response<Bytes>>) -> Self {
        self.answer = answer.map(Box::new);
        self
    }

    pub(crate) fn with_source(mut self, source: Option<BoxError>) -> Self {
        self.source = source;
        self
    }

    /// Finds this crate's error in what `reqwest-middleware` or a tower service returned.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut error = Some(error);
        while let Some(it) = error {
            if let Some(found) = it.downcast_ref() {
                return Some(found);
            }
            #[cfg(feature = "reqwest")]
            if let Some(reqwest_middleware::Error::Middleware(inner)) = it.downcast_ref() {
                // It is transparent: its source is the inner error's.
                if let Some(found) = inner.downcast_ref() {
                    return Some(found);
                }
            }
            error = it.source();
        }
        None
    }

    /// Why nothing more was sent.
    #[must_use]
    pub const fn gave_up(&self) -> GaveUp {
        self.gave_up
    }

    /// How many attempts were made.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether the operation may have been done.
    ///
    /// If so, do not start it again under another key. Send the same request later under the same
    /// [`key`](Self::key), with [`FirstSent`](crate::FirstSent), while the server remembers the key;
    /// after that, look what was done.
    #[must_use]
    pub const fn may_have_taken_effect(&self) -> bool {
        self.may_have_taken_effect
    }

    /// The operation's key, which may have been made here. `None` where there was none, or where the
    /// request came with a header of its own.
    #[must_use]
    pub const fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// When the first attempt was sent that may have arrived.
    #[must_use]
    pub const fn first_sent(&self) -> Option<SystemTime> {
        self.first_sent
    }

    /// What the server answered last, if it did. A body that is longer than
    /// [`answer_limit`](crate::IdempotentRetries::answer_limit) has its beginning here.
    #[must_use]
    pub fn answer(&self) -> Option<&Response<Bytes>> {
        self.answer.as_deref()
    }

    fn status(&self) -> Option<StatusCode> {
        Some(self.answer.as_ref()?.status())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; ", self.gave_up)?;
        match self.attempts {
            0 => f.write_str("nothing was sent")?,
            1 => f.write_str("1 attempt")?,
            attempts => write!(f, "{attempts} attempts")?,
        }
        if let Some(status) = self.status() {
            write!(f, ", the last answer was {}", status.as_u16())?;
        }
        f.write_str(if self.may_have_taken_effect {
            "; the operation may have taken effect"
        } else {
            "; the operation has not taken effect"
        })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("gave_up", &self.gave_up)
            .field("attempts", &self.attempts)
            .field("may_have_taken_effect", &self.may_have_taken_effect)
            .field("key", &self.key)
            .field("status", &self.status())
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|it| it as _)
    }
}
