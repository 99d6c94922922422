//! One part of the store: the state machine's transitions on a table of records.

use std::{mem, sync::Arc, time::Duration};

use hashbrown::{
    HashTable,
    hash_table::{
        self,
        Entry::{Occupied, Vacant},
    },
};

use super::{
    clock::Time,
    entry::{Entry, Slot},
    hash::Hashed,
};
use crate::{
    contract::{Claim, Fenced},
    record::{Lease, Outcome, Response, Stored},
    request::RequestTag,
};

/// Below this many slots a table is not worth shrinking.
const MIN_CAPACITY: usize = 16;

/// How long after its time a record is removed by a claim, so that expiry keeps up with the load even where no task can
/// be spawned. It is more than a moment, so that many are removed at once.
const OVERDUE: Duration = Duration::from_secs(10);

/// Records by their keys. The table holds two words of each: little moves when it grows, and a sweep reads little.
pub(super) struct Shard {
    table: HashTable<Slot>,
    sums: Sums,
}

/// What is known of a shard's records without a look at them.
struct Sums {
    /// No record expires before this time. It is exact after a sweep, and too early once a deadline is put off.
    earliest: Time,
    /// The bytes of all responses.
    responses: usize,
}

/// How many records a shard has, and how many bytes their responses.
pub(super) struct Size {
    pub(super) records: usize,
    pub(super) responses: usize,
}

impl Shard {
    pub(super) const fn new() -> Self {
        Self {
            table: HashTable::new(),
            sums: Sums {
                earliest: Time::NEVER,
                responses: 0,
            },
        }
    }

    pub(super) fn size(&self) -> Size {
        Size {
            records: self.table.len(),
            responses: self.sums.responses,
        }
    }

    /// Takes the lease if the key is absent; `None` if there is no room for it. The caller drops what was replaced
    /// after it releases the lock: freeing a large response takes milliseconds.
    pub(super) fn claim(
        &mut self,
        key: Hashed<'_>,
        lease: &Lease,
        now: Time,
        has_room: impl FnOnce() -> bool,
    ) -> (Option<Claim>, Option<Slot>) {
        match entry(&mut self.table, key) {
            Occupied(found) if found.get().entry.is_live(now) => {
                let entry = &found.get().entry;
                let claim = if entry.is_pending_of(lease) {
                    Claim::Owned
                } else {
                    Claim::Taken(entry.record(now))
                };
                (Some(claim), None)
            }
            absent if has_room() => {
                let slot = Slot::new(key, lease, None, now + lease.duration());
                (Some(Claim::Owned), self.sums.put(absent, slot))
            }
            _ => (None, None),
        }
    }

    pub(super) fn recall(
        &self,
        key: Hashed<'_>,
        tag: &RequestTag,
        now: impl FnOnce() -> Time,
    ) -> Option<Arc<Response>> {
        let entry = self.find(key)?;
        // Most requests are fresh: the clock is read for the others alone.
        let response = entry.recall(tag)?;
        entry.is_live(now()).then_some(response)
    }

    /// Tells what stands there, and touches nothing.
    pub(super) fn look_up(&self, key: Hashed<'_>, now: Time) -> Option<Stored> {
        let entry = self.find(key).filter(|entry| entry.is_live(now))?;
        Some(Stored::new(entry.record(now), Some(entry.remaining(now))))
    }

    pub(super) fn renew(&mut self, key: Hashed<'_>, lease: &Lease, now: Time) -> Fenced {
        match entry(&mut self.table, key) {
            Occupied(mut found) if found.get().entry.is_held(lease, now) => {
                self.sums
                    .set_deadline(found.get_mut(), now + lease.duration());
                Fenced::Held
            }
            _ => Fenced::Lost,
        }
    }

    /// Also returns what it replaced, as [`claim`](Self::claim) does.
    pub(super) fn complete(
        &mut self,
        key: Hashed<'_>,
        lease: &Lease,
        outcome: &Outcome,
        now: Time,
        deadline: Time,
    ) -> (Fenced, Option<Slot>) {
        match entry(&mut self.table, key) {
            Occupied(mut found) if found.get().entry.is_live(now) => {
                let slot = found.get_mut();
                if !slot.entry.is_of(lease) {
                    return (Fenced::Lost, None);
                }
                if !slot.entry.is_completed() {
                    self.sums.responses -= slot.entry.response_size();
                    slot.entry.complete(outcome.clone());
                    self.sums.responses += slot.entry.response_size();
                    self.sums.set_deadline(slot, deadline);
                }
                (Fenced::Held, None)
            }
            absent => {
                let slot = Slot::new(key, lease, Some(outcome.clone()), deadline);
                (Fenced::Held, self.sums.put(absent, slot))
            }
        }
    }

    pub(super) fn release(&mut self, key: Hashed<'_>, lease: &Lease, now: Time) -> Fenced {
        match entry(&mut self.table, key) {
            Occupied(found) if found.get().entry.is_held(lease, now) => {
                self.sums.responses -= found.remove().0.entry.response_size();
                self.shrink();
                Fenced::Held
            }
            _ => Fenced::Lost,
        }
    }

    /// Whether a record may have run out.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.sums.earliest <= now
    }

    /// Whether a record may have expired so long ago that a claim should sweep.
    pub(super) fn is_overdue(&self, now: Time) -> bool {
        self.sums.earliest + OVERDUE <= now
    }

    /// Takes out up to `most` records that have run out. The caller drops them, after the lock.
    pub(super) fn sweep(&mut self, now: Time, most: usize) -> Vec<Slot> {
        let mut earliest = Time::NEVER;
        let has_run_out = |slot: &mut Slot| {
            let live_until = slot.live_until(now);
            let is_live = now < live_until;
            if is_live {
                earliest = earliest.min(live_until);
            }
            !is_live
        };
        let swept: Vec<Slot> = self.table.extract_if(has_run_out).take(most).collect();
        // With fewer, it has looked at all.
        if swept.len() < most {
            self.sums.earliest = earliest;
        }
        self.sums.responses -= swept
            .iter()
            .map(|slot| slot.entry.response_size())
            .sum::<usize>();
        self.shrink();
        swept
    }

    fn find(&self, key: Hashed<'_>) -> Option<&Entry> {
        let is_it = |slot: &Slot| slot.is_under(key);
        let slot = self.table.find(key.hash.spread(), is_it)?;
        Some(&slot.entry)
    }

    /// Gives memory back once the table is mostly empty. What moves then is an eighth of it at most.
    fn shrink(&mut self) {
        let (length, capacity) = (self.table.len(), self.table.capacity());
        if capacity > MIN_CAPACITY && length < capacity / 8 {
            self.table
                .shrink_to(MIN_CAPACITY.max(length * 2), Slot::hash);
        }
    }
}

impl Sums {
    /// Puts a slot where there is none, or in place of one that has expired, and returns the expired one.
    fn put(&mut self, absent: hash_table::Entry<'_, Slot>, slot: Slot) -> Option<Slot> {
        self.earliest = self.earliest.min(slot.entry.deadline);
        self.responses += slot.entry.response_size();
        match absent {
            Occupied(mut expired) => {
                let expired = mem::replace(expired.get_mut(), slot);
                self.responses -= expired.entry.response_size();
                Some(expired)
            }
            Vacant(free) => {
                free.insert(slot);
                None
            }
        }
    }

    fn set_deadline(&mut self, slot: &mut Slot, deadline: Time) {
        slot.set_deadline(deadline);
        self.earliest = self.earliest.min(deadline);
    }
}

fn entry<'a>(table: &'a mut HashTable<Slot>, key: Hashed<'_>) -> hash_table::Entry<'a, Slot> {
    let is_it = |slot: &Slot| slot.is_under(key);
    table.entry(key.hash.spread(), is_it, Slot::hash)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        memory::hash::Seed,
        record::{Headers, Identity, OwnerToken, RecordKey},
        request::Fingerprint,
    };

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Claim(u8, Duration),
        Renew(u8, Duration),
        Complete(u8, Duration),
        Release(u8),
        /// So many are swept at most.
        Sweep(usize),
        /// It is this late. Clocks of tests go back, when one paused runtime follows another.
        Turn(Duration),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let keys = || 0..60_u8;
        let terms = || (0..40_u64).prop_map(|part| Duration::from_millis(20 * part));
        let step = prop_oneof![
            6 => (keys(), terms()).prop_map(|(key, term)| Step::Claim(key, term)),
            1 => (keys(), terms()).prop_map(|(key, term)| Step::Renew(key, term)),
            3 => (keys(), terms()).prop_map(|(key, term)| Step::Complete(key, term)),
            1 => keys().prop_map(Step::Release),
            2 => (1..9_usize).prop_map(Step::Sweep),
            2 => terms().prop_map(Step::Turn),
        ];
        proptest::collection::vec(step, 0..300)
    }

    fn key(number: u64) -> RecordKey {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        RecordKey::from_bytes(bytes)
    }

    fn lease(term: Duration) -> Lease {
        let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
        Lease::of_owner(OwnerToken::from_bytes([1; 16]), identity, term)
    }

    /// A shard whose only client has one owner token, and a plain list of what stands in it.
    struct Both {
        keys: Vec<RecordKey>,
        seed: Seed,
        shard: Shard,
        /// Whether it is completed, and its deadline.
        list: HashMap<u8, (bool, Time)>,
        now: Time,
    }

    impl Both {
        fn take(&mut self, step: Step) {
            let (seed, now) = (self.seed, self.now);
            let place = |key: u8| seed.place(&self.keys[usize::from(key)], 1).1;
            let live = |held: &(bool, Time)| now < held.1;
            match step {
                Step::Claim(key, term) => {
                    let (claim, _) = self.shard.claim(place(key), &lease(term), now, || true);
                    let held = self.list.get(&key).copied().filter(live);
                    let is_completed = held.is_some_and(|held| held.0);
                    assert_eq!(claim != Some(Claim::Owned), is_completed);
                    self.list.insert(key, held.unwrap_or((false, now + term)));
                }
                Step::Renew(key, term) => {
                    let renewed = self.shard.renew(place(key), &lease(term), now);
                    let held = self.list.get_mut(&key).filter(|held| !held.0 && live(held));
                    assert_eq!(renewed == Fenced::Held, held.is_some());
                    if let Some(held) = held {
                        held.1 = now + term;
                    }
                }
                Step::Complete(key, term) => {
                    let response = Response::new(201, Headers::default(), Bytes::from(vec![1; 9]));
                    let (lease, outcome) = (lease(term), response.into());
                    let (fenced, _) =
                        (self.shard).complete(place(key), &lease, &outcome, now, now + term);
                    assert_eq!(fenced, Fenced::Held);
                    let held = self.list.get(&key).copied().filter(live);
                    let held = held.filter(|held| held.0).unwrap_or((true, now + term));
                    self.list.insert(key, held);
                }
                Step::Release(key) => {
                    let released = self.shard.release(place(key), &lease(OVERDUE), now);
                    let held = self.list.get(&key).filter(|held| !held.0 && live(held));
                    assert_eq!(released == Fenced::Held, held.is_some());
                    if held.is_some() {
                        self.list.remove(&key);
                    }
                }
                Step::Sweep(most) => {
                    let swept = self.shard.sweep(now, most);
                    for slot in &swept {
                        let is_it = |key: &u8| slot.is_under(place(*key));
                        let key = self.list.keys().copied().find(is_it).expect("it was there");
                        let held = self.list.remove(&key);
                        assert!(held.is_some_and(|held| held.1 <= now), "it has run out");
                    }
                    assert!(swept.len() <= most);
                    if swept.len() < most {
                        assert!(self.list.values().all(live), "nothing is left");
                        assert!(!self.shard.is_due(now), "nor looked at again");
                    }
                }
                Step::Turn(time) => self.now = Time::START + time,
            }
        }

        fn compare(&self) {
            let sizes = self
                .shard
                .table
                .iter()
                .map(|slot| slot.entry.response_size());
            let Size { records, responses } = self.shard.size();
            assert_eq!((records, responses), (self.list.len(), sizes.sum()));
            for (key, held) in &self.list {
                let (_, key) = self.seed.place(&self.keys[usize::from(*key)], 1);
                let entry = self.shard.find(key).expect("it stands there");
                assert_eq!((entry.is_completed(), entry.deadline), *held);
                assert!(self.shard.is_due(held.1), "it is swept once it has run out");
            }
        }
    }

    proptest! {
        #[test]
        fn a_shard_holds_what_a_plain_list_holds_and_sweeps_what_has_run_out(steps in steps()) {
            let mut both = Both {
                keys: (0..60).map(key).collect(),
                seed: Seed::random(),
                shard: Shard::new(),
                list: HashMap::new(),
                now: Time::START,
            };
            for step in steps {
                both.take(step);
                both.compare();
            }
        }
    }

    #[test]
    fn the_table_gives_memory_back_once_its_records_are_gone() {
        let keys: Vec<_> = (0..8_000).map(key).collect();
        let (mut shard, seed, now) = (Shard::new(), Seed::random(), Time::START);
        let lease = lease(OVERDUE);
        for key in &keys {
            let _ = shard.claim(seed.place(key, 1).1, &lease, now, || true);
        }
        assert!(shard.table.capacity() >= 8_000);
        for key in &keys {
            assert_eq!(
                shard.release(seed.place(key, 1).1, &lease, now),
                Fenced::Held
            );
        }
        assert!(shard.table.capacity() < 4 * MIN_CAPACITY);
    }
}
