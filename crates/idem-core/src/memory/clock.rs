//! The store's own clock: what it compares and keeps are single numbers.

use std::{ops::Add, time::Duration};

use tokio::time::Instant;

/// A deadline so far off that it does not matter where exactly it is.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Tells the time since it was made.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

/// Nanoseconds since the store was made; they suffice for 500 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(u64);

/// A time rounded down, to an eighth of a second within the first 18 years and to these after them, in half the room.
#[derive(Clone, Copy)]
pub(super) struct Coarse(u32);

/// An eighth of a second has so many bits.
const BITS: u32 = 27;

impl Clock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Time {
        Time::START + self.0.elapsed()
    }
}

impl Time {
    pub(super) const START: Self = Self(0);
    pub(super) const NEVER: Self = Self(u64::MAX);

    pub(super) fn coarse(self) -> Coarse {
        Coarse(u32::try_from(self.0 >> BITS).unwrap_or(u32::MAX))
    }

    /// What remains until a later time.
    pub(super) fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }
}

impl From<Coarse> for Time {
    fn from(coarse: Coarse) -> Self {
        Self(u64::from(coarse.0) << BITS)
    }
}

/// A duration that is too long for the clock ends in a hundred years.
impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.min(FAR).as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
impl Clock {
    pub(super) fn ahead_by(self, duration: Duration) -> Self {
        Self(self.0 - duration)
    }
}
