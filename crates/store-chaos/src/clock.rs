//! The time on which leases run.

use std::{future::Future, time::Duration};

/// The store's clock, as far as a worker knows it: it is never ahead of the store's own.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The time since the clock was made.
    fn now(&self) -> Duration;

    /// Lets time pass, by turning the clock or by waiting.
    fn pass(&self, by: Duration) -> impl Future<Output = ()> + Send;
}

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A lease; all that workers wait for is a part of it.
    pub lease: Duration,
    /// No record ends within a run: the judge counts on it.
    pub retention: Duration,
}
