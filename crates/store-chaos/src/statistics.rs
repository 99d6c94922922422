//! What happened: a run in which nothing went wrong has shown nothing.

use std::ops::AddAssign;

/// Counts over one key, or over all of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Claims, those that are asked again not counted.
    pub claims: u64,
    /// Claims whose answer was lost.
    pub claims_asked_again: u64,
    /// Claims that were given up.
    pub claims_unanswered: u64,
    /// Owned so late that the lease may have been over.
    pub owned_too_late: u64,
    /// Executions.
    pub started: u64,
    /// Started after somebody else had started and not released.
    pub takeovers: u64,
    /// Renewals of a lease that was another's by then.
    pub renewals_lost: u64,
    /// Workers that died.
    pub crashes: u64,
    /// Workers that stood still past their lease.
    pub pauses: u64,
    /// Releases that were answered.
    pub released: u64,
    /// Completions that were held.
    pub completed: u64,
    /// Completions of a lease that was another's by then.
    pub completions_lost: u64,
    /// Completions that were given up.
    pub completions_unanswered: u64,
    /// Workers that died with a completion on its way.
    pub completions_abandoned: u64,
    /// Results that were shown.
    pub replays: u64,
    /// Effects after the first of a key: by crashes and pauses, which no store can prevent.
    pub duplicates: u64,
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
