//! How long one request holds its key, if the application knows better than its policy.

use std::time::{Duration, SystemTime};

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

    /// For a handler that its platform kills at a deadline, as AWS Lambda does: [fixed](Self::fixed), and over a
    /// margin after the deadline. The margin is for clocks that differ, and for a kill that takes its time.
    ///
    /// `None` if the deadline has passed, which emulators of a platform send. A rule that answers `None` leaves
    /// the request the policy's lease.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use idem_core::LeaseTerm;
    ///
    /// let deadline = SystemTime::now() + Duration::from_secs(20);
    /// let term = LeaseTerm::until(deadline, Duration::from_secs(5)).ok_or("it has passed")?;
    /// assert!(!term.is_renewed());
    /// assert!(term.duration() > Duration::from_secs(24) && term.duration() <= Duration::from_secs(25));
    /// # Ok::<_, &str>(())
    /// ```
    #[must_use]
    pub fn until(deadline: SystemTime, margin: Duration) -> Option<Self> {
        let left = deadline.duration_since(SystemTime::now()).ok()?;
        (!left.is_zero()).then(|| Self::fixed(left.saturating_add(margin)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_until_a_deadline_outlasts_it_by_the_margin() {
        let (minute, margin) = (Duration::from_secs(60), Duration::from_secs(5));
        let term = LeaseTerm::until(SystemTime::now() + minute, margin).unwrap();
        assert!(!term.is_renewed());
        assert!(term.duration() <= minute + margin && term.duration() > minute);
    }

    #[test]
    fn a_deadline_that_has_passed_says_nothing() {
        let emulated = SystemTime::UNIX_EPOCH + Duration::from_millis(600_000);
        assert_eq!(LeaseTerm::until(emulated, Duration::MAX), None);
    }

    #[test]
    fn a_margin_without_end_is_the_longest_lease() {
        let term = LeaseTerm::until(SystemTime::now() + SHORTEST * 60_000, Duration::MAX);
        assert_eq!(term.map(|term| term.duration()), Some(LONGEST));
    }
}
