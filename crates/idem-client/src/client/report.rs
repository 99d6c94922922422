//! What a caller learns beside the operation's answer, and tells beside its request.

use std::time::SystemTime;

use crate::key::IdempotencyKey;

/// Says how an answer was obtained; in the response's extensions.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) attempts: u32,
    pub(crate) is_replay: bool,
    pub(crate) may_have_taken_effect: bool,
    pub(crate) key: Option<IdempotencyKey>,
}

impl Report {
    /// How many attempts were made, the answered one included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether the server says that this is what an earlier attempt was answered.
    #[must_use]
    pub const fn is_replay(&self) -> bool {
        self.is_replay
    }

    /// Whether the operation may have been done.
    ///
    /// This is more than the status says if an attempt was lost and a later one got a 4xx: a gate
    /// that refuses a token that has run out, for example, knows nothing of the first attempt.
    #[must_use]
    pub const fn may_have_taken_effect(&self) -> bool {
        self.may_have_taken_effect
    }

    /// The operation's key, if it was given or made here.
    #[must_use]
    pub const fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }
}

/// When the operation was sent first, by an earlier process or an earlier call; a request's extension.
///
/// The server's retention is counted from then, and the operation may have taken effect before
/// anything is sent. Without it, a stored request that is sent again after the retention would be a
/// new operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSent(pub SystemTime);
