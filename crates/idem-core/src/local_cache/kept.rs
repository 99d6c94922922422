//! The records of a cache: found by key, and dropped in the order in which they came.

use std::{
    collections::{HashMap, VecDeque, hash_map},
    sync::Arc,
};

use tokio::time::Instant;

use crate::{
    record::{Completed, Lease, Outcome, OwnerToken, RecordKey, Response},
    request::RequestTag,
};

/// What a record takes without its response: its place in the table, which may be half empty, and in the order.
const RECORD: usize = 2 * size_of::<(RecordKey, Place)>() + 2 * size_of::<(u64, RecordKey)>();

pub(super) struct Kept {
    most: usize,
    bytes: usize,
    places: HashMap<RecordKey, Place>,
    /// Every place that was ever taken and not dropped, by its number: also those that another has replaced.
    order: VecDeque<(u64, RecordKey)>,
    next: u64,
}

struct Place {
    number: u64,
    owner: OwnerToken,
    until: Instant,
    completions: Completions,
    /// Nothing while it is not known what stands in the store.
    record: Option<(Completed, Option<RequestTag>)>,
    response_bytes: usize,
}

/// How many completions of a lease were sent. The store applies one of them and answers all: so it is known which
/// one stands only if there was no other before that answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Completions {
    None,
    One,
    Several,
}

/// A completion that is on its way to the store, the first of its lease.
pub(super) struct Sent(u64);

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            bytes: 0,
            places: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn find(&self, key: &RecordKey, now: Instant) -> Option<Completed> {
        let (completed, _) = self.live(key, now)?;
        Some(completed.clone())
    }

    pub(super) fn recall(
        &self,
        key: &RecordKey,
        tag: &RequestTag,
        now: Instant,
    ) -> Option<Arc<Response>> {
        let (completed, made_by) = self.live(key, now)?;
        match completed.outcome() {
            Outcome::Response(response) if made_by.as_ref() == Some(tag) => {
                Some(Arc::clone(response))
            }
            Outcome::Response(_) | Outcome::NotKept(_) => None,
        }
    }

    /// The key was claimed here, and nothing was completed under it.
    pub(super) fn claimed(&mut self, key: &RecordKey, lease: &Lease, now: Instant) {
        let is_known = |place: &Place| place.owner == *lease.owner() && place.record.is_none();
        let Some(until) = now.checked_add(lease.duration()) else {
            return;
        };
        if !self.places.get(key).is_some_and(is_known) {
            self.drop_what_ran_out(now);
            self.take_place(key, lease, until);
        }
    }

    /// The lease restarts.
    pub(super) fn renewed(&mut self, key: &RecordKey, lease: &Lease, now: Instant) {
        if let (Some(place), Some(until)) =
            (self.claim_of(key, lease), now.checked_add(lease.duration()))
        {
            place.until = until;
        }
    }

    /// The key was freed.
    pub(super) fn released(&mut self, key: &RecordKey, lease: &Lease) {
        if self.claim_of(key, lease).is_some() {
            self.places.remove(key);
        }
    }

    /// A completion is about to be sent; `None` if the claim is not known, or another one may stand already.
    pub(super) fn send(&mut self, key: &RecordKey, lease: &Lease, until: Instant) -> Option<Sent> {
        let place = self.places.get_mut(key)?;
        if place.owner != *lease.owner() {
            return None;
        }
        if lease.is_completed_perhaps() || place.completions != Completions::None {
            place.completions = Completions::Several;
            return None;
        }
        (place.completions, place.until) = (Completions::One, until);
        Some(Sent(place.number))
    }

    /// The place of a lease that was claimed here, and of which no completion was sent.
    fn claim_of(&mut self, key: &RecordKey, lease: &Lease) -> Option<&mut Place> {
        let place = self.places.get_mut(key)?;
        (place.owner == *lease.owner() && place.completions == Completions::None).then_some(place)
    }

    /// It is what stands there now. One that is larger than the whole cache drops no other.
    pub(super) fn keep(&mut self, key: &RecordKey, sent: &Sent, lease: &Lease, outcome: &Outcome) {
        let Some(place) = self.places.get_mut(key) else {
            return;
        };
        if place.number != sent.0 || place.completions == Completions::Several {
            return;
        }
        let bytes = response_bytes(outcome);
        if RECORD + bytes > self.most {
            // Its number stays in the order, as that of one that is forgotten.
            self.places.remove(key);
            return;
        }
        place.completions = Completions::One;
        let completed = Completed::new(*lease.owner(), *lease.identity(), outcome.clone());
        place.record = Some((completed, lease.tag().copied()));
        place.response_bytes = bytes;
        self.bytes += bytes;
        self.drop_what_is_too_much();
    }

    /// It certainly wrote nothing, and may be sent again.
    pub(super) fn failed(&mut self, key: &RecordKey, sent: &Sent) {
        if let Some(place) = self.places.get_mut(key) {
            if place.number == sent.0 && place.completions == Completions::One {
                place.completions = Completions::None;
            }
        }
    }

    /// Another owner's record stands there.
    pub(super) fn forget(&mut self, key: &RecordKey, sent: &Sent) {
        if self
            .places
            .get(key)
            .is_some_and(|place| place.number == sent.0)
        {
            // Its number stays in the order, and counts until its turn comes.
            self.places.remove(key);
        }
    }

    /// A record stands there, whatever was known before.
    pub(super) fn put(
        &mut self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        now: Instant,
        until: Instant,
    ) {
        self.drop_what_ran_out(now);
        if RECORD + response_bytes(outcome) > self.most {
            if let Some(replaced) = self.places.remove(key) {
                self.bytes -= replaced.response_bytes;
            }
            return;
        }
        let sent = Sent(self.take_place(key, lease, until));
        self.keep(key, &sent, lease, outcome);
    }

    fn live(&self, key: &RecordKey, now: Instant) -> Option<&(Completed, Option<RequestTag>)> {
        let place = self.places.get(key).filter(|place| now < place.until)?;
        place.record.as_ref()
    }

    fn take_place(&mut self, key: &RecordKey, lease: &Lease, until: Instant) -> u64 {
        let number = self.next;
        self.next += 1;
        let place = Place {
            number,
            owner: *lease.owner(),
            until,
            completions: Completions::None,
            record: None,
            response_bytes: 0,
        };
        if let Some(replaced) = self.places.insert(*key, place) {
            self.bytes -= replaced.response_bytes;
        }
        self.order.push_back((number, *key));
        self.bytes += RECORD;
        self.drop_what_is_too_much();
        number
    }

    fn drop_what_is_too_much(&mut self) {
        while self.bytes > self.most && self.drop_first() {}
    }

    /// What came first has mostly run out first, too; the rest goes when its turn comes.
    fn drop_what_ran_out(&mut self, now: Instant) {
        while let Some((number, key)) = self.order.front() {
            let place = self.places.get(key);
            if place.is_some_and(|place| place.number == *number && now < place.until) {
                return;
            }
            self.drop_first();
        }
    }

    fn drop_first(&mut self) -> bool {
        let Some((number, key)) = self.order.pop_front() else {
            return false;
        };
        self.bytes -= RECORD;
        if let hash_map::Entry::Occupied(place) = self.places.entry(key) {
            if place.get().number == number {
                self.bytes -= place.remove().response_bytes;
            }
        }
        true
    }
}

fn response_bytes(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Response(response) => size_of::<Response>() + response.size(),
        Outcome::NotKept(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        record::{Headers, Identity},
        request::Fingerprint,
    };

    const MOST: usize = 20 * RECORD;

    #[derive(Clone, Debug)]
    enum Step {
        Send(u8),
        Keep(prop::sample::Index, usize),
        Forget(prop::sample::Index),
        Put(u8, usize),
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let (key, bytes) = (|| 0..6_u8, || 0..MOST);
        let step = prop_oneof![
            4 => key().prop_map(Step::Send),
            3 => (any::<prop::sample::Index>(), bytes()).prop_map(|(index, bytes)| Step::Keep(index, bytes)),
            1 => any::<prop::sample::Index>().prop_map(Step::Forget),
            1 => (key(), bytes()).prop_map(|(key, bytes)| Step::Put(key, bytes)),
            1 => (0..100_u64).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..200)
    }

    fn outcome(bytes: usize) -> Outcome {
        Response::new(201, Headers::default(), Bytes::from(vec![0; bytes])).into()
    }

    #[test]
    fn of_completions_that_were_on_their_way_at_once_none_is_kept() {
        let (key, now) = (RecordKey::from_bytes([1; 32]), Instant::now());
        let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
        let (lease, until) = (
            Lease::new(identity, Duration::from_secs(1)),
            now + Duration::from_secs(30),
        );
        let mut kept = Kept::new(MOST);
        kept.claimed(&key, &lease, now);
        let first = kept.send(&key, &lease, until).unwrap();
        assert!(kept.send(&key, &lease, until).is_none());
        kept.keep(&key, &first, &lease, &outcome(1));
        assert_eq!(kept.find(&key, now), None);
        // Nor is one that comes later, even if the first certainly failed.
        kept.failed(&key, &first);
        assert!(kept.send(&key, &lease, until).is_none());
    }

    #[test]
    fn a_response_larger_than_the_cache_is_not_kept_and_drops_no_other() {
        let [small, sent, committed] = [1, 2, 3].map(|byte| RecordKey::from_bytes([byte; 32]));
        let (now, until) = (Instant::now(), Instant::now() + Duration::from_secs(30));
        let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
        let lease = Lease::new(identity, Duration::from_secs(1));
        let mut kept = Kept::new(MOST);
        kept.put(&small, &lease, &outcome(1), now, until);
        kept.claimed(&sent, &lease, now);
        let completion = kept.send(&sent, &lease, until).unwrap();
        kept.keep(&sent, &completion, &lease, &outcome(MOST));
        // There is no room for one more, whatever it is.
        let claims = (10..).map(|byte| RecordKey::from_bytes([byte; 32]));
        for key in claims.take((MOST - kept.bytes()) / RECORD) {
            kept.claimed(&key, &lease, now);
        }
        kept.put(&committed, &lease, &outcome(MOST), now, until);
        for key in [sent, committed] {
            assert_eq!(kept.find(&key, now), None);
            assert!(!kept.places.contains_key(&key));
        }
        assert!(kept.find(&small, now).is_some());
        // It replaces what it was before all the same.
        kept.put(&small, &lease, &outcome(MOST), now, until);
        assert_eq!(kept.find(&small, now), None);
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_that_are_there_and_stay_in_their_bounds(steps in steps()) {
            let mut kept = Kept::new(MOST);
            let mut now = Instant::now();
            let mut sent: Vec<(RecordKey, Lease, Sent)> = Vec::new();
            let lease = || Lease::new(Identity::new(Fingerprint::from_bytes([1; 32])), Duration::from_secs(1));
            for step in steps {
                let until = now + Duration::from_secs(30);
                match step {
                    Step::Send(key) => {
                        let (key, lease) = (RecordKey::from_bytes([key; 32]), lease());
                        prop_assert!(kept.send(&key, &lease, until).is_none());
                        kept.claimed(&key, &lease, now);
                        let first = kept.send(&key, &lease, until).unwrap();
                        prop_assert!(kept.send(&key, &lease, until).is_none());
                        sent.push((key, lease, first));
                    }
                    Step::Keep(index, bytes) if !sent.is_empty() => {
                        let (key, lease, sent) = sent.swap_remove(index.index(sent.len()));
                        kept.keep(&key, &sent, &lease, &outcome(bytes));
                    }
                    Step::Forget(index) if !sent.is_empty() => {
                        let (key, _, sent) = sent.swap_remove(index.index(sent.len()));
                        kept.forget(&key, &sent);
                    }
                    Step::Keep(..) | Step::Forget(_) => {}
                    Step::Put(key, bytes) => {
                        let key = RecordKey::from_bytes([key; 32]);
                        kept.put(&key, &lease(), &outcome(bytes), now, until);
                    }
                    Step::Pass(seconds) => now += Duration::from_secs(seconds),
                }
                let responses: usize = kept.places.values().map(|place| place.response_bytes).sum();
                prop_assert_eq!(kept.bytes(), kept.order.len() * RECORD + responses);
                prop_assert!(kept.bytes() <= MOST);
                prop_assert!(kept.places.len() <= kept.order.len());
            }
        }
    }
}
