//! The contract as a few lines of code, to compare a store's answers with.

use std::{collections::HashMap, time::Duration};

use idem_core::store::{Claim, Fenced, Lease, Outcome};

use crate::trial::{completed, pending};

/// What a correct store holds, on a clock that is turned by hand.
#[derive(Debug, Default)]
pub(crate) struct Model {
    now: Duration,
    records: HashMap<usize, Entry>,
}

#[derive(Debug)]
struct Entry {
    lease: Lease,
    outcome: Option<Outcome>,
    ends: Duration,
}

impl Entry {
    fn is_pending_of(&self, lease: &Lease) -> bool {
        self.outcome.is_none() && self.lease.owner() == lease.owner()
    }

    /// The answer to a claim that finds it.
    fn stands(&self) -> Claim {
        match &self.outcome {
            None => pending(&self.lease),
            Some(outcome) => completed(&self.lease, outcome),
        }
    }
}

impl Model {
    pub(crate) fn pass(&mut self, duration: Duration) {
        self.now += duration;
        self.records.retain(|_, entry| self.now < entry.ends);
    }

    pub(crate) fn claim(&mut self, key: usize, lease: &Lease) -> Claim {
        match self.records.get(&key) {
            None => {
                self.put(key, lease, None, lease.duration());
                Claim::Owned
            }
            Some(entry) if entry.is_pending_of(lease) => Claim::Owned,
            Some(entry) => entry.stands(),
        }
    }

    pub(crate) fn seen(&self, key: usize) -> Option<Claim> {
        let entry = self.records.get(&key)?;
        Some(entry.stands())
    }

    pub(crate) fn renew(&mut self, key: usize, lease: &Lease) -> Fenced {
        match self.records.get_mut(&key) {
            Some(entry) if entry.is_pending_of(lease) => {
                entry.ends = self.now + lease.duration();
                Fenced::Held
            }
            _ => Fenced::Lost,
        }
    }

    pub(crate) fn complete(
        &mut self,
        key: usize,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Fenced {
        match self.records.get(&key) {
            Some(entry) if entry.lease.owner() != lease.owner() => Fenced::Lost,
            Some(entry) if entry.outcome.is_some() => Fenced::Held,
            _ => {
                self.put(key, lease, Some(outcome.clone()), retention);
                Fenced::Held
            }
        }
    }

    pub(crate) fn release(&mut self, key: usize, lease: &Lease) -> Fenced {
        match self.records.get(&key) {
            Some(entry) if entry.is_pending_of(lease) => {
                self.records.remove(&key);
                Fenced::Held
            }
            _ => Fenced::Lost,
        }
    }

    fn put(&mut self, key: usize, lease: &Lease, outcome: Option<Outcome>, lasts: Duration) {
        let entry = Entry {
            lease: *lease,
            outcome,
            ends: self.now + lasts,
        };
        self.records.insert(key, entry);
    }
}
