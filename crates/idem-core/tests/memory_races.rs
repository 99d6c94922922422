//! Threads that contend for few keys: the memory store keeps them apart, and the harness tells a
//! store that does not.
//!
//! Nothing here depends on time: leases outlast the test, and a retention of zero ends a record as
//! soon as it is made.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeSet, HashMap},
    pin::pin,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, MemoryStore, RecordKey, Response,
    store::{
        Capacity, Claim, Completed, Fenced, Fingerprint, Identity, Lease, Outcome, OwnerToken,
        Pending, Record, StoreError, StoreIdentity, Stored,
    },
};

const THREADS: usize = 8;
const LEASE: Duration = Duration::from_secs(3600);
const RETENTION: Duration = Duration::from_secs(3600);

/// What no store may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Violation {
    TwoOwners,
    /// A holder was told that it is none.
    HolderLost,
    /// One that holds nothing was told that it does.
    StrangerHeld,
    /// A record was there after its end, or before any completion.
    RecordFromNowhere,
    /// Two saw different outcomes of one record, or another than was completed.
    OutcomesDiffer,
}

type Violations = Mutex<BTreeSet<Violation>>;

fn require(violations: &Violations, violation: Violation, holds: bool) {
    if !holds {
        violations.lock().unwrap().insert(violation);
    }
}

/// Runs a future of a store that never waits for anything but a lock.
fn run<T>(future: impl Future<Output = Result<T, StoreError>>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer.unwrap();
        }
        thread::yield_now();
    }
}

fn key(number: usize) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    RecordKey::from_bytes(bytes)
}

fn lease() -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([1; 32])), LEASE)
}

fn outcome(lease: &Lease) -> Outcome {
    let body = Bytes::copy_from_slice(lease.owner().as_bytes());
    Response::new(201, Headers::default(), body).into()
}

fn in_threads(work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

/// Takes few keys again and again, and frees them in one way or the other.
fn take_and_free(store: &impl IdempotencyStore, rounds: usize) -> BTreeSet<Violation> {
    const KEYS: usize = 3;
    let held: [AtomicBool; KEYS] = Default::default();
    let violations = Violations::default();
    in_threads(|thread| {
        let mut stale = lease();
        for round in 0..rounds {
            let number = (round + thread) % KEYS;
            let (key, lease) = (key(number), lease());
            match run(store.claim(&key, &lease)) {
                Claim::Owned => {
                    hold(store, &key, &lease, &stale, &held[number], &violations);
                    let freed = if round % 2 == 0 {
                        run(store.release(&key, &lease))
                    } else {
                        run(store.complete(&key, &lease, &outcome(&lease), Duration::ZERO))
                    };
                    require(&violations, Violation::HolderLost, freed == Fenced::Held);
                    stale = lease;
                }
                Claim::Taken(Record::Pending(pending)) => {
                    let own = pending.owner() == lease.owner();
                    require(&violations, Violation::RecordFromNowhere, !own);
                    let freed = run(store.release(&key, &lease));
                    require(&violations, Violation::StrangerHeld, freed == Fenced::Lost);
                }
                Claim::Taken(_) => require(&violations, Violation::RecordFromNowhere, false),
            }
        }
    });
    violations.into_inner().unwrap()
}

/// What a holder may expect, from its claim to just before its end.
fn hold(
    store: &impl IdempotencyStore,
    key: &RecordKey,
    lease: &Lease,
    stale: &Lease,
    held: &AtomicBool,
    violations: &Violations,
) {
    let others = held.swap(true, Ordering::SeqCst);
    require(violations, Violation::TwoOwners, !others);
    // On a single core too another thread is to have its turn while the key is held.
    thread::yield_now();
    let asked_again = run(store.claim(key, lease));
    require(
        violations,
        Violation::HolderLost,
        asked_again == Claim::Owned,
    );
    for stranger in [
        run(store.renew(key, stale)),
        run(store.release(key, stale)),
        run(store.complete(key, stale, &outcome(stale), RETENTION)),
    ] {
        require(
            violations,
            Violation::StrangerHeld,
            stranger == Fenced::Lost,
        );
    }
    let renewed = run(store.renew(key, lease));
    require(violations, Violation::HolderLost, renewed == Fenced::Held);
    held.store(false, Ordering::SeqCst);
}

/// Completes each of many keys once, while all the others wait for it.
fn complete_once(store: &impl IdempotencyStore, keys: usize) -> BTreeSet<Violation> {
    let recorded: Vec<OnceLock<Outcome>> = (0..keys).map(|_| OnceLock::new()).collect();
    let violations = Violations::default();
    in_threads(|_| {
        for (number, recorded) in recorded.iter().enumerate() {
            complete_or_wait(store, &key(number), recorded, &violations);
        }
    });
    violations.into_inner().unwrap()
}

fn complete_or_wait(
    store: &impl IdempotencyStore,
    key: &RecordKey,
    recorded: &OnceLock<Outcome>,
    violations: &Violations,
) {
    loop {
        let lease = lease();
        let outcome = outcome(&lease);
        match run(store.claim(key, &lease)) {
            Claim::Owned => {
                let first = recorded.set(outcome.clone()).is_ok();
                require(violations, Violation::TwoOwners, first);
                for _ in 0..2 {
                    let completed = run(store.complete(key, &lease, &outcome, RETENTION));
                    require(violations, Violation::HolderLost, completed == Fenced::Held);
                }
            }
            Claim::Taken(Record::Completed(completed)) => {
                let same = recorded.get() == Some(completed.outcome());
                require(violations, Violation::OutcomesDiffer, same);
                return;
            }
            Claim::Taken(_) => {
                let completed = run(store.complete(key, &lease, &outcome, RETENTION));
                require(
                    violations,
                    Violation::StrangerHeld,
                    completed == Fenced::Lost,
                );
                thread::yield_now();
            }
        }
    }
}

// S28
#[test]
fn few_keys_have_one_owner_at_a_time() {
    let store = MemoryStore::new();
    assert_eq!(take_and_free(&store, 20_000), BTreeSet::new());
    assert_empties(&store);
}

// S37
#[test]
fn each_record_is_completed_once_and_none_is_lost() {
    const KEYS: usize = 5_000;
    let store = MemoryStore::new();
    assert_eq!(complete_once(&store, KEYS), BTreeSet::new());
    assert_eq!(store.records(), KEYS);
    assert_empties(&store);
}

/// The counters, which are no part of the tables, come back to nothing with them.
fn assert_empties(store: &MemoryStore) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::advance(2 * RETENTION).await;
        // Any claim starts the sweeper.
        let _ = store.claim(&key(usize::MAX), &lease()).await.unwrap();
        tokio::time::sleep(2 * LEASE).await;
    });
    assert_eq!((store.records(), store.bytes()), (0, 0));
}

/// What is wrong with a [`PlainStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    /// A claim reads, lets go of the lock, and then writes.
    ClaimInTwoSteps,
    CompleteUnfenced,
    ReleaseUnfenced,
}

/// A store without limits or clock, right but for its defect.
#[derive(Debug)]
struct PlainStore {
    defect: Defect,
    records: Mutex<HashMap<RecordKey, Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    owner: OwnerToken,
    identity: Identity,
    outcome: Option<Outcome>,
}

impl PlainStore {
    fn new(defect: Defect) -> Self {
        Self {
            defect,
            records: Mutex::default(),
        }
    }

    fn entry(&self, key: &RecordKey) -> Option<Entry> {
        self.records.lock().unwrap().get(key).cloned()
    }
}

impl Entry {
    fn new(lease: &Lease, outcome: Option<Outcome>) -> Self {
        Self {
            owner: *lease.owner(),
            identity: *lease.identity(),
            outcome,
        }
    }

    fn is_pending_of(&self, lease: &Lease) -> bool {
        self.outcome.is_none() && self.owner == *lease.owner()
    }

    fn answer(&self, lease: &Lease) -> Claim {
        if self.is_pending_of(lease) {
            return Claim::Owned;
        }
        Claim::Taken(self.record())
    }

    fn record(&self) -> Record {
        match &self.outcome {
            None => Record::Pending(Pending::new(self.owner, self.identity, None)),
            Some(outcome) => {
                Record::Completed(Completed::new(self.owner, self.identity, outcome.clone()))
            }
        }
    }
}

#[async_trait]
impl IdempotencyStore for PlainStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        if self.defect == Defect::ClaimInTwoSteps {
            if let Some(entry) = self.entry(key) {
                return Ok(entry.answer(lease));
            }
            thread::yield_now();
            let entry = Entry::new(lease, None);
            self.records.lock().unwrap().insert(*key, entry);
            return Ok(Claim::Owned);
        }
        let mut records = self.records.lock().unwrap();
        let entry = records
            .entry(*key)
            .or_insert_with(|| Entry::new(lease, None));
        Ok(entry.answer(lease))
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let entry = self.entry(key);
        let holds = entry.is_some_and(|entry| entry.is_pending_of(lease));
        Ok(if holds { Fenced::Held } else { Fenced::Lost })
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let mut records = self.records.lock().unwrap();
        let strangers = records
            .get(key)
            .is_some_and(|entry| entry.owner != *lease.owner());
        if strangers && self.defect != Defect::CompleteUnfenced {
            return Ok(Fenced::Lost);
        }
        if retention.is_zero() {
            records.remove(key);
        } else {
            records.insert(*key, Entry::new(lease, Some(outcome.clone())));
        }
        Ok(Fenced::Held)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let mut records = self.records.lock().unwrap();
        let own = records
            .get(key)
            .is_some_and(|entry| entry.is_pending_of(lease));
        if !own && self.defect != Defect::ReleaseUnfenced {
            return Ok(Fenced::Lost);
        }
        records.remove(key);
        Ok(Fenced::Held)
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let entry = self.entry(key);
        Ok(entry.map(|entry| Stored::new(entry.record(), None)))
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited()
    }

    fn identity(&self) -> StoreIdentity {
        StoreIdentity::of_parts(["plain"])
    }
}

#[test]
fn a_plain_store_without_a_defect_passes() {
    let store = PlainStore::new(Defect::None);
    assert_eq!(take_and_free(&store, 5_000), BTreeSet::new());
    let store = PlainStore::new(Defect::None);
    assert_eq!(complete_once(&store, 2_000), BTreeSet::new());
}

#[test]
fn a_claim_in_two_steps_is_found_to_have_two_owners() {
    let found = take_and_free(&PlainStore::new(Defect::ClaimInTwoSteps), 20_000);
    assert!(found.contains(&Violation::TwoOwners), "{found:?}");
}

#[test]
fn a_missing_fence_is_found() {
    for defect in [Defect::CompleteUnfenced, Defect::ReleaseUnfenced] {
        let found = take_and_free(&PlainStore::new(defect), 1_000);
        assert!(
            found.contains(&Violation::StrangerHeld),
            "{defect:?}: {found:?}"
        );
    }
}
