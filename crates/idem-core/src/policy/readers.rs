//! What the rest of the core asks a policy.

use std::time::Duration;

use crate::{
    events::Observer,
    policy::{KeyRequirement, OnLeaseEnd, OnStoreFailure, Policy, Profile, rules::SaveRule},
    record::{Headers, Lease},
};

impl Policy {
    /// The conventions by which clients are answered.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    pub(crate) fn protects(&self, method: &str) -> bool {
        self.methods
            .iter()
            .any(|protected| protected.eq_ignore_ascii_case(method))
    }

    pub(crate) fn requires_key(&self) -> bool {
        self.key_requirement == KeyRequirement::Required
    }

    /// How long a pending record under a lease of this length stays if nobody renews it.
    pub(crate) fn pending_duration(&self, lease: Duration) -> Duration {
        match self.on_lease_end {
            OnLeaseEnd::TakeOver => lease,
            OnLeaseEnd::Refuse => self.retention.max(lease),
        }
    }

    /// Says of a lease whether the store may forget it in a crash, which lets somebody take over.
    pub(crate) const fn with_durability(&self, lease: Lease) -> Lease {
        match self.on_lease_end {
            OnLeaseEnd::TakeOver => lease,
            OnLeaseEnd::Refuse => lease.durable(),
        }
    }

    /// How long one call to the store may take for a request with a lease of this length.
    ///
    /// A claim that is asked for twice must be answered within its lease: an answer that comes
    /// later speaks of a lease that somebody else may hold by now.
    pub(crate) fn call_timeout(&self, lease: Duration) -> Duration {
        (self.store_timeout / 2).min(lease / 3)
    }

    pub(crate) fn runs_unprotected(&self) -> bool {
        self.on_store_failure == OnStoreFailure::RunUnprotected
    }

    /// When a duplicate should ask again, by the original's age and what is left of its lease.
    pub(crate) fn retry_in(&self, age: Duration, left: Duration) -> Duration {
        self.retry_after.retry_in(age, left)
    }

    pub(crate) fn observed_by(&self) -> Option<&dyn Observer> {
        self.observer.as_deref()
    }

    /// Whether a response is kept, as far as the policy says.
    pub(crate) fn saves(&self, status: u16, headers: impl FnOnce() -> Headers) -> bool {
        self.saves.saves(status, headers)
    }

    /// Whether a response with this status is kept with some headers.
    pub(crate) fn may_save(&self, status: u16) -> bool {
        matches!(self.saves, SaveRule::Custom(_)) || self.saves(status, Headers::default)
    }
}
