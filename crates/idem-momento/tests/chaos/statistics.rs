//! What happened: a run in which nothing went wrong has shown nothing.

use std::ops::AddAssign;

/// Counts over one key, or over all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) claims: u64,
    pub(crate) claims_asked_again: u64,
    pub(crate) claims_unanswered: u64,
    /// Owned so late that the lease may have been over.
    pub(crate) owned_too_late: u64,
    pub(crate) started: u64,
    /// Started after somebody else had started and not released.
    pub(crate) takeovers: u64,
    pub(crate) renewals_lost: u64,
    pub(crate) crashes: u64,
    pub(crate) pauses: u64,
    pub(crate) released: u64,
    pub(crate) completed: u64,
    pub(crate) completions_lost: u64,
    pub(crate) completions_unanswered: u64,
    pub(crate) completions_abandoned: u64,
    pub(crate) replays: u64,
    /// Effects after the first of a key: by crashes and pauses, which no store can prevent.
    pub(crate) duplicates: u64,
}

impl AddAssign for Statistics {
    fn add_assign(&mut self, other: Self) {
        self.claims += other.claims;
        self.claims_asked_again += other.claims_asked_again;
        self.claims_unanswered += other.claims_unanswered;
        self.owned_too_late += other.owned_too_late;
        self.started += other.started;
        self.takeovers += other.takeovers;
        self.renewals_lost += other.renewals_lost;
        self.crashes += other.crashes;
        self.pauses += other.pauses;
        self.released += other.released;
        self.completed += other.completed;
        self.completions_lost += other.completions_lost;
        self.completions_unanswered += other.completions_unanswered;
        self.completions_abandoned += other.completions_abandoned;
        self.replays += other.replays;
        self.duplicates += other.duplicates;
    }
}
