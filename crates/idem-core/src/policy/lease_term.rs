//! How long one request holds its key, if the application knows better than its policy.

use std::time::Duration;

use crate::policy::{LONGEST, SHORTEST};

/// How long a request holds its key, and whether that is renewed while its handler runs.
///
/// A [`Duration`] converts into one that is renewed, like the [policy's lease](crate::Policy::lease).
/// Everything that depends on the lease then depends on this one: its renewals, after each third of it; the
/// timeouts of the request's calls to the store, at most a third of it; a duplicate's `Retry-After` if nothing
/// else is known; and when [`OnLeaseEnd`](crate::OnLeaseEnd) applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerm {
    duration: Duration,
    renewed: bool,
}

impl LeaseTerm {
    /// For a handler that may outlast it: renewed after each third of it. It has at least 1 ms, and at most 100
    /// years.
    #[must_use]
    pub fn renewed(duration: Duration) -> Self {
        Self {
            duration: duration.clamp(SHORTEST, LONGEST),
            renewed: true,
        }
    }

    /// For a handler that is certain to have ended or died by then, for example because the platform kills
    /// functions that run too long: not renewed, except when it [travels](crate::CurrentExecution::travel). It
    /// has at least 1 ms, and at most 100 years.
    ///
    /// A crash blocks the key until then and no longer, while a renewed lease may exceed that by two thirds. A
    /// handler that outlasts it anyway has [lost](crate::CurrentExecution::is_lost) it at its end. With
    /// [`OnLeaseEnd::Refuse`](crate::OnLeaseEnd::Refuse), that is the end of the retention.
    #[must_use]
    pub fn fixed(duration: Duration) -> Self {
        Self {
            duration: duration.clamp(SHORTEST, LONGEST),
            renewed: false,
        }
    }

    /// The length of the lease.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether it is renewed while the handler runs.
    #[must_use]
    pub const fn is_renewed(&self) -> bool {
        self.renewed
    }
}

impl From<Duration> for LeaseTerm {
    fn from(duration: Duration) -> Self {
        Self::renewed(duration)
    }
}
