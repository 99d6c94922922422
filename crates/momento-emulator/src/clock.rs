//! The service's clock, which tests can turn and stop.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The clock on which TTLs run: real time, plus what it was advanced by.
///
/// It has nothing to do with tokio's clock, and survives a restart of the emulator.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    shown: Duration,
    /// Since when real time is to be added; `None` while the clock is frozen.
    running_since: Option<Instant>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Hands {
            shown: Duration::ZERO,
            running_since: Some(Instant::now()),
        })))
    }

    /// Time since the emulator was started, with everything it was advanced by.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.hands().now()
    }

    /// Turns the clock forward at once.
    pub fn advance(&self, by: Duration) {
        self.hands().shown += by;
    }

    /// Stops it: from now on time passes only by [`advance`](Self::advance), so a test meets the
    /// very instant at which a TTL ends, and a slow machine expires nothing.
    pub fn freeze(&self) {
        let mut hands = self.hands();
        hands.shown = hands.now();
        hands.running_since = None;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hands {
    fn now(&self) -> Duration {
        self.shown + self.running_since.map_or(Duration::ZERO, |it| it.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_advanced() {
        let clock = Clock::new();
        clock.freeze();
        let before = clock.now();
        clock.advance(Duration::from_secs(7));
        assert_eq!(clock.now(), before + Duration::from_secs(7));
    }

    #[test]
    fn copies_show_the_same_time() {
        let clock = Clock::new();
        clock.freeze();
        clock.clone().advance(Duration::from_secs(3));
        assert!(clock.now() >= Duration::from_secs(3));
    }
}
