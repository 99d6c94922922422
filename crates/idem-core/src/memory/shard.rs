//! One part of the store: the state machine's transitions on a table of records.

use std::{sync::Arc, time::Duration};

use super::{
    clock::Time,
    entry::Entry,
    hash::Hash,
    index::Index,
    slab::{Place, Slab},
    wheel::Wheel,
};
use crate::{
    contract::{Claim, Fenced},
    record::{Lease, Outcome, RecordKey, Response, Stored},
    request::RequestTag,
};

/// Records in a slab, with an index to find them by key and a wheel to find what has run out.
pub(super) struct Shard {
    index: Index,
    entries: Slab<Entry>,
    wheel: Wheel,
}

/// A key with its hash in its shard.
#[derive(Clone, Copy)]
pub(super) struct Hashed<'a> {
    pub(super) key: &'a RecordKey,
    pub(super) hash: Hash,
}

/// What an operation added to the store, less what it removed.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) records: isize,
    pub(super) bytes: isize,
}

/// What was swept: the caller drops the entries, after the lock.
#[derive(Default)]
pub(super) struct Swept {
    pub(super) change: Change,
    /// Whether there is more to sweep now.
    pub(super) more: bool,
    entries: Vec<Entry>,
}

impl Shard {
    pub(super) const fn new() -> Self {
        Self {
            index: Index::new(),
            entries: Slab::new(),
            wheel: Wheel::new(),
        }
    }

    /// Answers a claim if the key is not absent.
    pub(super) fn find(&self, key: Hashed<'_>, lease: &Lease, now: Time) -> Option<Claim> {
        let place = self.live(key, now)?;
        let entry = &self.entries[place];
        if entry.is_pending_of(lease) {
            return Some(Claim::Owned);
        }
        Some(Claim::Taken(entry.record(now)))
    }

    pub(super) fn recall(
        &self,
        key: Hashed<'_>,
        tag: &RequestTag,
        now: impl FnOnce() -> Time,
    ) -> Option<Arc<Response>> {
        let entry = &self.entries[self.place(key)?];
        // Most requests are fresh: the clock is read for the others alone.
        let response = entry.recall(tag)?;
        entry.is_live(now()).then_some(response)
    }

    /// Tells what stands there, and touches nothing.
    pub(super) fn look_up(&self, key: Hashed<'_>, now: Time) -> Option<Stored> {
        let entry = &self.entries[self.live(key, now)?];
        Some(Stored::new(entry.record(now), Some(entry.remaining(now))))
    }

    /// Takes the lease of a key that is absent.
    pub(super) fn insert_pending(&mut self, key: Hashed<'_>, lease: &Lease, now: Time) -> Change {
        self.put(key, lease, None, now + lease.duration())
    }

    pub(super) fn renew(&mut self, key: Hashed<'_>, lease: &Lease, now: Time) -> Fenced {
        match self.live(key, now) {
            Some(place) if self.entries[place].is_pending_of(lease) => {
                self.set_deadline(place, now + lease.duration());
                Fenced::Held
            }
            _ => Fenced::Lost,
        }
    }

    pub(super) fn complete(
        &mut self,
        key: Hashed<'_>,
        lease: &Lease,
        outcome: &Outcome,
        now: Time,
        retention: Duration,
    ) -> (Fenced, Change) {
        let deadline = now + retention;
        let Some(place) = self.live(key, now) else {
            let change = self.put(key, lease, Some(outcome.clone()), deadline);
            return (Fenced::Held, change);
        };
        let entry = &mut self.entries[place];
        if !entry.is_of(lease) {
            return (Fenced::Lost, Change::default());
        }
        if entry.is_completed() {
            return (Fenced::Held, Change::default());
        }
        let mut change = Change::default();
        change.remove(entry);
        entry.complete(outcome.clone());
        change.add(entry);
        self.set_deadline(place, deadline);
        (Fenced::Held, change)
    }

    pub(super) fn release(
        &mut self,
        key: Hashed<'_>,
        lease: &Lease,
        now: Time,
    ) -> (Fenced, Change) {
        match self.live(key, now) {
            Some(place) if self.entries[place].is_pending_of(lease) => {
                self.wheel.remove(&mut self.entries, place);
                let mut change = Change::default();
                change.remove(&self.remove(place));
                (Fenced::Held, change)
            }
            _ => (Fenced::Lost, Change::default()),
        }
    }

    /// Whether there is anything to look at, now or later.
    pub(super) fn is_queued(&self) -> bool {
        !self.wheel.is_empty()
    }

    /// Removes up to `most` records that have run out, looking at no more than that.
    pub(super) fn sweep(&mut self, now: Time, most: usize) -> Swept {
        let mut swept = Swept::default();
        for _ in 0..most {
            let Some(place) = self.wheel.pop_due(&mut self.entries, now.ticks()) else {
                return swept;
            };
            let entry = &self.entries[place];
            if entry.is_live(now) {
                let tick = entry.deadline.tick_after();
                self.wheel.push(&mut self.entries, place, tick);
            } else {
                let entry = self.remove(place);
                swept.change.remove(&entry);
                swept.entries.push(entry);
            }
        }
        swept.more = true;
        swept
    }

    /// Removes all that has run out, to the instant: `sweep` leaves what ran out within this tick to the next.
    pub(super) fn sweep_to_the_instant(&mut self, now: Time) -> Swept {
        let mut swept = Swept::default();
        let mut live = Vec::new();
        while let Some(place) = self.wheel.pop_due(&mut self.entries, now.ticks() + 1) {
            if self.entries[place].is_live(now) {
                live.push(place);
            } else {
                let entry = self.remove(place);
                swept.change.remove(&entry);
                swept.entries.push(entry);
            }
        }
        // Only now, or the same would come again.
        for place in live {
            let tick = self.entries[place].deadline.tick_after();
            self.wheel.push(&mut self.entries, place, tick);
        }
        swept
    }

    fn place(&self, key: Hashed<'_>) -> Option<Place> {
        self.index
            .find(key.hash, |place| self.entries[place].key == *key.key)
    }

    fn live(&self, key: Hashed<'_>, now: Time) -> Option<Place> {
        self.place(key)
            .filter(|&place| self.entries[place].is_live(now))
    }

    /// Puts off a deadline, or brings it forward, which alone the wheel must know.
    fn set_deadline(&mut self, place: Place, deadline: Time) {
        let entry = &mut self.entries[place];
        let is_earlier = deadline < entry.deadline;
        entry.deadline = deadline;
        if is_earlier {
            self.wheel.remove(&mut self.entries, place);
            self.wheel
                .push(&mut self.entries, place, deadline.tick_after());
        }
    }

    /// Puts an entry in the place of whatever is there.
    fn put(
        &mut self,
        key: Hashed<'_>,
        lease: &Lease,
        outcome: Option<Outcome>,
        deadline: Time,
    ) -> Change {
        let entry = Entry::new(*key.key, key.hash, lease, outcome, deadline);
        let mut change = Change::default();
        change.add(&entry);
        if let Some(place) = self.place(key) {
            self.wheel.remove(&mut self.entries, place);
            change.remove(&self.remove(place));
        }
        let place = self.entries.insert(entry);
        self.index.insert(key.hash, place);
        self.wheel
            .push(&mut self.entries, place, deadline.tick_after());
        change
    }

    /// Removes an entry that the wheel knows no more.
    fn remove(&mut self, place: Place) -> Entry {
        let entry = self.entries.remove(place);
        self.index.remove(entry.hash, place);
        entry
    }
}

impl Change {
    fn add(&mut self, entry: &Entry) {
        self.records += 1;
        self.bytes += entry.size() as isize;
    }

    fn remove(&mut self, entry: &Entry) {
        self.records -= 1;
        self.bytes -= entry.size() as isize;
    }
}
