//! The clock that a store measures by, and how a case waits on it.

use std::time::Duration;

use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, advance, sleep_until},
};

/// The clock that the store under test measures by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    paused: bool,
    unit: Duration,
    tolerance: Duration,
}

impl Clock {
    /// Tokio's clock, which the cases turn by hand; for a store that does no I/O.
    #[must_use]
    pub const fn paused() -> Self {
        Self {
            paused: true,
            // No whole number of seconds: a store that sweeps by the second has not swept what
            // ran out this instant, and must not show it all the same.
            unit: Duration::from_millis(1_300),
            tolerance: Duration::ZERO,
        }
    }

    /// A clock that nobody can turn: a server's, or the system's.
    #[must_use]
    pub const fn real() -> Self {
        Self {
            paused: false,
            unit: Duration::from_millis(500),
            tolerance: Duration::ZERO,
        }
    }

    /// Sets how long a lease lasts that is to run out.
    #[must_use]
    pub const fn with_unit(mut self, unit: Duration) -> Self {
        self.unit = unit;
        self
    }

    /// Sets how much later than its end a lease or a result may still stand: nothing unless set. It is for a store
    /// that has no clock of its own, whose clients know the time only so well. Nothing may end early for it.
    #[must_use]
    pub const fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    pub(crate) const fn is_paused(&self) -> bool {
        self.paused
    }

    pub(crate) const fn unit(&self) -> Duration {
        self.unit
    }

    /// How much later than its end something may still stand.
    pub(crate) const fn tolerance(&self) -> Duration {
        self.tolerance
    }

    /// The same clock for a machine that was too slow for this one.
    pub(crate) fn slower(self) -> Self {
        self.with_unit(self.unit * 2)
    }

    /// What is waited beyond a duration until it has certainly run out.
    pub(crate) fn grace(&self) -> Duration {
        let slowness = if self.paused {
            Duration::ZERO
        } else {
            self.unit / 4
        };
        self.tolerance + slowness
    }

    pub(crate) fn runtime(&self) -> Runtime {
        let runtime = if self.paused {
            Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
        } else {
            Builder::new_multi_thread()
                .worker_threads(4)
                .enable_all()
                .build()
        };
        runtime.expect("a runtime can be built")
    }

    pub(crate) async fn wait(&self, duration: Duration) {
        self.wait_until(Instant::now() + duration).await;
    }

    async fn wait_until(&self, instant: Instant) {
        if self.paused {
            advance(instant.saturating_duration_since(Instant::now())).await;
        } else {
            sleep_until(instant).await;
        }
    }
}

/// The machine was too slow to say: an answer came when a lease might have run out already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

/// A duration that the store measures, and between which two instants it began.
///
/// The store began to measure while the call was under way, and nobody knows better: it ends no
/// earlier than a duration after the call went out, and no later than one after the answer came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    clock: Clock,
    called: Instant,
    answered: Instant,
    duration: Duration,
}

impl Span {
    /// Makes the call that begins it.
    pub(crate) async fn begin<T>(
        clock: Clock,
        duration: Duration,
        call: impl Future<Output = T>,
    ) -> (T, Self) {
        let called = Instant::now();
        let answer = call.await;
        let span = Self {
            clock,
            called,
            answered: Instant::now(),
            duration,
        };
        (answer, span)
    }

    /// How much later than its call it may have begun.
    pub(crate) fn slack(&self) -> Duration {
        self.answered - self.called
    }

    /// Waits until little of it is left: a millisecond of the paused clock, a quarter otherwise.
    pub(crate) async fn nearly_ended(&self) {
        let rest = if self.clock.paused {
            Duration::from_millis(1)
        } else {
            self.duration / 4
        };
        self.clock
            .wait_until(self.called + self.duration - rest)
            .await;
    }

    /// Waits until it has ended; on the paused clock to that very instant.
    pub(crate) async fn ended(&self) {
        let grace = self.clock.grace();
        self.clock
            .wait_until(self.answered + self.duration + grace)
            .await;
    }

    /// Gives a call's answer, if it certainly came before the end.
    pub(crate) async fn before_its_end<T>(
        &self,
        call: impl Future<Output = T>,
    ) -> Result<T, TooSlow> {
        let answer = call.await;
        if Instant::now() < self.called + self.duration {
            Ok(answer)
        } else {
            Err(TooSlow)
        }
    }
}
