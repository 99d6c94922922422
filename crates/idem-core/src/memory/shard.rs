//! One part of the store: the state machine's transitions on a table of records.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{
    expiry::{ExpiryQueue, Tick, deadline},
    hash::Seed,
};
use crate::{
    record::{Completed, Identity, Lease, Outcome, OwnerToken, Pending, Record},
    record_key::RecordKey,
    store::{Claim, Fenced},
};

/// Below this many places a table is not worth shrinking.
const MIN_CAPACITY: usize = 64;

pub(super) struct Shard {
    records: HashMap<RecordKey, Entry, Seed>,
    expiry: ExpiryQueue,
}

struct Entry {
    owner: OwnerToken,
    identity: Identity,
    /// What came of it; a pending record has nothing yet.
    outcome: Option<Outcome>,
    deadline: Instant,
    /// The tick under which the expiry queue holds it; other mentions there are stale.
    queued: Tick,
}

/// What an operation added to the store and removed from it.
#[derive(Default)]
pub(super) struct Change {
    pub(super) records_added: usize,
    pub(super) records_removed: usize,
    pub(super) bytes_added: usize,
    pub(super) bytes_removed: usize,
}

/// What was swept: the entries are dropped by whoever asked, after the lock is.
#[derive(Default)]
pub(super) struct Swept {
    pub(super) change: Change,
    /// Whether there is more to sweep now.
    pub(super) more: bool,
    entries: Vec<Entry>,
}

impl Shard {
    pub(super) fn new(seed: Seed, epoch: Instant) -> Self {
        Self {
            records: HashMap::with_hasher(seed),
            expiry: ExpiryQueue::new(epoch),
        }
    }

    /// Answers a claim if the key is not absent.
    pub(super) fn find(&self, key: &RecordKey, lease: &Lease, now: Instant) -> Option<Claim> {
        let entry = self.records.get(key).filter(|entry| entry.is_live(now))?;
        if entry.is_pending_of(lease) {
            return Some(Claim::Owned);
        }
        Some(Claim::Taken(entry.record(now)))
    }

    /// Takes the lease of a key that is absent.
    pub(super) fn insert_pending(
        &mut self,
        key: &RecordKey,
        lease: &Lease,
        now: Instant,
    ) -> Change {
        self.put(key, lease, None, deadline(now, lease.duration()))
    }

    pub(super) fn renew(&mut self, key: &RecordKey, lease: &Lease, now: Instant) -> Fenced {
        match self.records.get_mut(key) {
            Some(entry) if entry.is_live(now) && entry.is_pending_of(lease) => {
                // A shorter lease would be due before its bucket; the next sweep is in time.
                entry.deadline = deadline(now, lease.duration());
                Fenced::Held
            }
            _ => Fenced::Lost,
        }
    }

    pub(super) fn complete(
        &mut self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        now: Instant,
        retention: Duration,
    ) -> (Fenced, Change) {
        match self.records.get(key).filter(|entry| entry.is_live(now)) {
            Some(entry) if entry.owner != *lease.owner() => (Fenced::Lost, Change::default()),
            Some(entry) if entry.outcome.is_some() => (Fenced::Held, Change::default()),
            _ => {
                let deadline = deadline(now, retention);
                let change = self.put(key, lease, Some(outcome.clone()), deadline);
                (Fenced::Held, change)
            }
        }
    }

    pub(super) fn release(
        &mut self,
        key: &RecordKey,
        lease: &Lease,
        now: Instant,
    ) -> (Fenced, Change) {
        let entry = self.records.get(key);
        if !entry.is_some_and(|entry| entry.is_live(now) && entry.is_pending_of(lease)) {
            return (Fenced::Lost, Change::default());
        }
        let mut change = Change::default();
        if let Some(entry) = self.records.remove(key) {
            change.remove(&entry);
        }
        (Fenced::Held, change)
    }

    /// Whether there is anything to look at, now or later.
    pub(super) fn is_queued(&self) -> bool {
        !self.expiry.is_empty()
    }

    /// Removes up to `most` records that have run out, looking at no more than that.
    pub(super) fn sweep(&mut self, now: Instant, most: usize) -> Swept {
        let mut swept = Swept::default();
        for _ in 0..most {
            let Some((tick, key)) = self.expiry.pop_due(now) else {
                self.shrink();
                return swept;
            };
            if let Some(entry) = self.remove_if_expired(tick, key, now) {
                swept.change.remove(&entry);
                swept.entries.push(entry);
            }
        }
        swept.more = true;
        swept
    }

    fn remove_if_expired(&mut self, tick: Tick, key: RecordKey, now: Instant) -> Option<Entry> {
        let entry = self
            .records
            .get_mut(&key)
            .filter(|entry| entry.queued == tick)?;
        if entry.is_live(now) {
            entry.queued = self.expiry.tick_after(entry.deadline);
            self.expiry.push(entry.queued, key);
            return None;
        }
        self.records.remove(&key)
    }

    /// Gives memory back once the table is mostly empty. What is moved then is an eighth of the
    /// table at most, so it does not stall the shard for long.
    fn shrink(&mut self) {
        let (length, capacity) = (self.records.len(), self.records.capacity());
        if capacity > MIN_CAPACITY && length < capacity / 8 {
            self.records.shrink_to(MIN_CAPACITY.max(length * 2));
        }
    }

    /// Puts an entry in the place of whatever is there.
    fn put(
        &mut self,
        key: &RecordKey,
        lease: &Lease,
        outcome: Option<Outcome>,
        deadline: Instant,
    ) -> Change {
        let mut change = Change::default();
        let due = self.expiry.tick_after(deadline);
        let queued = match self.records.get(key) {
            // It will be looked at in time, and queued for its new deadline then.
            Some(entry) if entry.queued <= due => entry.queued,
            _ => {
                self.expiry.push(due, *key);
                due
            }
        };
        let entry = Entry {
            owner: *lease.owner(),
            identity: *lease.identity(),
            outcome,
            deadline,
            queued,
        };
        change.add(&entry);
        if let Some(replaced) = self.records.insert(*key, entry) {
            change.remove(&replaced);
        }
        change
    }
}

impl Entry {
    fn is_live(&self, now: Instant) -> bool {
        now < self.deadline
    }

    fn is_pending_of(&self, lease: &Lease) -> bool {
        self.outcome.is_none() && self.owner == *lease.owner()
    }

    fn record(&self, now: Instant) -> Record {
        match &self.outcome {
            None => Record::Pending(Pending::new(
                self.owner,
                self.identity,
                Some(self.deadline.saturating_duration_since(now)),
            )),
            Some(outcome) => {
                Record::Completed(Completed::new(self.owner, self.identity, outcome.clone()))
            }
        }
    }

    /// What it takes with its key, its place in the queue, and its response.
    fn size(&self) -> usize {
        let response = match &self.outcome {
            Some(Outcome::Response(response)) => size_of_val(&**response) + response.size(),
            Some(Outcome::NotKept(_)) | None => 0,
        };
        size_of::<Self>() + 2 * size_of::<RecordKey>() + response
    }
}

impl Change {
    fn add(&mut self, entry: &Entry) {
        self.records_added += 1;
        self.bytes_added += entry.size();
    }

    fn remove(&mut self, entry: &Entry) {
        self.records_removed += 1;
        self.bytes_removed += entry.size();
    }
}
