//! How long one request holds its key, where an application knows better than its policy.

use std::time::Duration;

use crate::policy::{LONGEST, SHORTEST};

/// How long a request holds its key, and whether that is renewed while its handler runs.
///
/// A [`Duration`] becomes one that is renewed, as the [policy's lease](crate::Policy::lease) is. All that
/// follows from a lease follows from this one then: its renewals, each third of it; the timeouts of the
/// request's calls to the store, a third of it at most; what a duplicate is told while nothing
/// else is known; and what [`OnLeaseEnd`](crate::OnLeaseEnd) makes of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerm {
    duration: Duration,
    renewed: bool,
}

impl LeaseTerm {
    /// For a handler that may outlast it: renewed each third of it. It has at least 1 ms, and at most
    /// 100 years.
    #[must_use]
    pub fn renewed(duration: Duration) -> Self {
        Self {
            duration: duration.clamp(SHORTEST, LONGEST),
            renewed: true,
        }
    }

    /// For a handler that has ended or is dead before it ends, as where a platform kills what runs
    /// too long: not renewed, except when it [travels](crate::CurrentExecution::travel). It has at
    /// least 1 ms, and at most 100 years.
    ///
    /// A crash blocks the key until then and no longer, which one that was renewed before may
    /// exceed by two thirds. A handler that outlasts it all the same has
    /// [lost](crate::CurrentExecution::is_lost) it at its end, which with
    /// [`OnLeaseEnd::Refuse`](crate::OnLeaseEnd::Refuse) is that of the retention.
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
