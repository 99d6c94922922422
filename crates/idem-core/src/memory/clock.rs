//! The store's own clock: what it compares and keeps are single numbers.

use std::time::Duration;

use tokio::time::Instant;

/// A second since the store was made.
pub(super) type Tick = u64;

/// A deadline so far off that it does not matter where exactly it is.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

const NANOS_PER_TICK: u64 = 1_000_000_000;

/// Tells the time since it was made.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

/// Nanoseconds since the store was made; they suffice for 500 years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(u64);

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

    /// What remains until a later time.
    pub(super) fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }

    /// How many ticks have passed.
    pub(super) fn ticks(self) -> Tick {
        self.0 / NANOS_PER_TICK
    }

    /// The first tick at which this time has passed.
    pub(super) fn tick_after(self) -> Tick {
        self.0.div_ceil(NANOS_PER_TICK)
    }
}

/// A duration that is too long for the clock ends in a hundred years.
impl std::ops::Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.min(FAR).as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}
