//! Who watches one key: what its workers were told, held against what the contract allows.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use idem_core::store::{Completed, Fenced, Operation, Outcome, OwnerToken};

use crate::statistics::Statistics;

/// What no store may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An execution started while another owner's lease was running for certain.
    StartedInsideALease,
    /// An execution started although another owner had been told that its completion is kept.
    StartedAfterCompletion,
    /// Two owners were told that their completion is kept.
    CompletedTwice,
    /// Two replays differ, or one differs from what was completed.
    ReplaysDiffer,
    /// When all was over, the record was gone or another.
    RecordChanged,
    /// An owner was told that it holds the key while another one did all along.
    HeldWhileLost(Operation),
    /// A worker never saw an outcome.
    NeverEnded,
}

/// What is known of one key. Times are those of the workers' clock, which the caller reads while
/// it holds the judge: so what the judge hears is in the clock's order.
///
/// The judge knows the least that must be true, never what merely may be: a lease runs for certain
/// from its claim's answer until its duration has passed since it was first *sent*.
#[derive(Debug, Default)]
pub struct Judge {
    holds: HashMap<OwnerToken, Hold>,
    completed: Option<OwnerToken>,
    replayed: Option<Bytes>,
    effects: u64,
    /// What it has seen that must not be.
    pub violations: Vec<Violation>,
    /// What it has seen.
    pub statistics: Statistics,
}

/// The lease of an execution that started.
#[derive(Clone, Copy, Debug)]
struct Hold {
    /// Until when it runs for certain.
    until: Duration,
    /// Its owner asked to release it.
    given_up: bool,
}

/// Who stood in the way when an owner asked for something.
#[derive(Debug)]
pub struct Asked {
    operation: Operation,
    owner: OwnerToken,
    others: Vec<OwnerToken>,
    completed_by_other: bool,
}

/// The body that an owner's execution returns: no two are alike.
pub(crate) fn body_of(owner: &OwnerToken) -> Bytes {
    Bytes::copy_from_slice(owner.as_bytes())
}

impl Judge {
    /// An owned claim wants to execute; `false` if its own lease may be over already, which the
    /// engine looks at too.
    pub fn starts(&mut self, owner: OwnerToken, until: Duration, now: Duration) -> bool {
        if now >= until {
            self.statistics.owned_too_late += 1;
            return false;
        }
        if !self.holding(&owner, now).is_empty() {
            self.violations.push(Violation::StartedInsideALease);
        }
        if self.completed.is_some() {
            self.violations.push(Violation::StartedAfterCompletion);
        }
        if self.holds.values().any(|hold| !hold.given_up) {
            self.statistics.takeovers += 1;
        }
        self.statistics.started += 1;
        let given_up = false;
        self.holds.insert(owner, Hold { until, given_up });
        true
    }

    /// The work was done: from here on another execution is a duplicate.
    pub fn has_effect(&mut self) {
        if self.effects > 0 {
            self.statistics.duplicates += 1;
        }
        self.effects += 1;
    }

    /// An owner is about to ask for this.
    pub fn asks(&mut self, operation: Operation, owner: OwnerToken, now: Duration) -> Asked {
        if operation == Operation::Release {
            let hold = self.holds.get_mut(&owner).expect("only who started asks");
            hold.given_up = true;
        }
        Asked {
            operation,
            owner,
            others: self.holding(&owner, now),
            completed_by_other: self.completed.is_some_and(|it| it != owner),
        }
    }

    /// What it was answered.
    pub fn answers(&mut self, asked: &Asked, fenced: Fenced, now: Duration) {
        if fenced == Fenced::Lost {
            return;
        }
        let still = self.holding(&asked.owner, now);
        let stood_all_along = asked.others.iter().any(|other| still.contains(other));
        if stood_all_along || asked.completed_by_other {
            let violation = Violation::HeldWhileLost(asked.operation);
            self.violations.push(violation);
        }
    }

    /// A renewal, sent at `sent`, was held.
    pub fn runs_until(&mut self, owner: &OwnerToken, until: Duration) {
        let hold = self.holds.get_mut(owner).expect("only who started renews");
        hold.until = hold.until.max(until);
    }

    /// An owner was told that its completion is kept.
    pub fn completes(&mut self, owner: OwnerToken) {
        match self.completed {
            Some(other) if other != owner => self.violations.push(Violation::CompletedTwice),
            _ => self.completed = Some(owner),
        }
        self.statistics.completed += 1;
    }

    /// Somebody was shown this record.
    pub fn replays(&mut self, record: &Completed) {
        self.statistics.replays += 1;
        let body = body(record);
        let first = self.replayed.get_or_insert_with(|| body.clone());
        let is_the_completed = self.completed.is_none_or(|owner| body == body_of(&owner));
        let was_executed = self.holds.contains_key(record.owner());
        if *first != body || !is_the_completed || !was_executed {
            self.violations.push(Violation::ReplaysDiffer);
        }
    }

    /// All workers have gone, and every late write has landed.
    pub fn finds(&mut self, record: Option<&Completed>) {
        let expected = self.completed.as_ref().map(body_of);
        let expected = expected.or_else(|| self.replayed.clone());
        if expected.is_some() && expected != record.map(body) {
            self.violations.push(Violation::RecordChanged);
        }
    }

    /// Everybody else whose lease runs for certain.
    fn holding(&self, owner: &OwnerToken, now: Duration) -> Vec<OwnerToken> {
        let others = self.holds.iter().filter(|(other, _)| *other != owner);
        others
            .filter(|(_, hold)| !hold.given_up && now < hold.until)
            .map(|(other, _)| *other)
            .collect()
    }
}

fn body(record: &Completed) -> Bytes {
    match record.outcome() {
        Outcome::Response(response) => response.body().clone(),
        Outcome::NotKept(_) => Bytes::new(),
    }
}
