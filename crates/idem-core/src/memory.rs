//! The store inside the process: the embedded default, and the fastest.
//!
//! What it must do is said plainly by the contract's example store and by the model of the protocol's tests, and this is for
//! speed: tables are short and hold 16 bytes a record, so that no call waits for long while millions come and go.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    contract::{
        Capacity, Claim, Fenced, IdempotencyStore, Operation, Recall, StoreError, StoreErrorKind,
        StoreIdentity, WriteEffect,
    },
    record::{Lease, Outcome, RecordKey, Response, Stored},
    request::RequestTag,
};

mod clock;
mod entry;
mod hash;
mod shard;
mod sweeper;

use clock::{Clock, Time};
use entry::Entry;
use hash::{Hashed, Seed};
use shard::Shard;

/// A power of two, far above the cores that contend for the locks. Of 4 million records there are 4,000 in each shard:
/// so many move when its table grows, and are looked at when some have expired.
const SHARDS: usize = 1024;

/// Keeps records in this process's memory. Clones share one store.
///
/// Records expire on their own: the first record starts a task on its tokio runtime, which removes expired
/// records once a second and ends when the store is empty or dropped. Without a runtime, only claims remove
/// expired records, ten seconds after they expired and up to 64 each.
///
/// The store is bounded, by default to 1,000,000 records and 512 MiB ([`MemoryLimits`]). When it is full it
/// refuses claims and keeps what it has: a record that was dropped early would let its request run twice.
/// Executions that were admitted before are still recorded, so the bytes may exceed the limit by what was
/// running then. A claim that is refused has looked at 100,000 records at most for some that have expired, so that it
/// never takes long; the task or the next claims find the others.
///
/// Records live as long as the process and no longer. Several servers behind one address need a
/// store that they share.
///
/// ```
/// use idem_core::{MemoryLimits, MemoryStore};
///
/// let limits = MemoryLimits::default().records(50_000).bytes(64 * 1024 * 1024);
/// let store = MemoryStore::with_limits(limits);
/// assert_eq!(store.records(), 0);
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

/// When a [`MemoryStore`] refuses to take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    records: usize,
    bytes: usize,
}

impl MemoryLimits {
    /// Bounds the number of records, pending and completed.
    #[must_use]
    pub const fn records(mut self, most: usize) -> Self {
        self.records = most;
        self
    }

    /// Bounds the memory in bytes, counted as each record's own size with its response.
    #[must_use]
    pub const fn bytes(mut self, most: usize) -> Self {
        self.bytes = most;
        self
    }
}

impl Default for MemoryLimits {
    /// 1,000,000 records, which is 277 requests a second at a retention of an hour, and 512 MiB.
    fn default() -> Self {
        Self {
            records: 1_000_000,
            bytes: 512 * 1024 * 1024,
        }
    }
}

struct Shared {
    identity: StoreIdentity,
    limits: MemoryLimits,
    shards: Box<[Mutex<Shard>]>,
    clock: Clock,
    seed: Seed,
    records: AtomicUsize,
    /// The bytes of all responses.
    responses: AtomicUsize,
    sweeping: AtomicBool,
}

impl MemoryStore {
    /// An empty store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(MemoryLimits::default())
    }

    /// An empty store with other limits.
    #[must_use]
    pub fn with_limits(limits: MemoryLimits) -> Self {
        Self {
            shared: Arc::new(Shared {
                identity: StoreIdentity::unique(),
                limits,
                shards: std::iter::repeat_with(|| Mutex::new(Shard::new()))
                    .take(SHARDS)
                    .collect(),
                clock: Clock::new(),
                seed: Seed::random(),
                records: AtomicUsize::new(0),
                responses: AtomicUsize::new(0),
                sweeping: AtomicBool::new(false),
            }),
        }
    }

    /// How many records the store holds. Expired ones are removed first, which takes each of the store's locks
    /// for a moment.
    #[must_use]
    pub fn records(&self) -> usize {
        sweeper::sweep_all(&self.shared);
        self.shared.records.load(Ordering::Relaxed)
    }

    /// How many bytes these records take; as [`records`](Self::records).
    #[must_use]
    pub fn bytes(&self) -> usize {
        sweeper::sweep_all(&self.shared);
        self.shared.bytes()
    }

    fn try_claim(&self, key: &RecordKey, lease: &Lease) -> Option<Claim> {
        // What was swept and replaced is dropped at the end, after the lock.
        let (claim, _dropped) = self.shared.change(key, |shard, key, now| {
            let is_overdue = shard.is_overdue(now);
            let swept = is_overdue.then(|| shard.sweep(now, sweeper::BATCH));
            // Claims in other shards may see the same room at the same time: the limit may be passed by
            // one record for each of them, which a lock over all shards is not worth.
            let (claim, replaced) = shard.claim(key, lease, now, || self.shared.has_room());
            (claim, (swept, replaced))
        });
        claim
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn has_room(&self) -> bool {
        self.records.load(Ordering::Relaxed) < self.limits.records
            && self.bytes() < self.limits.bytes
    }

    fn bytes(&self) -> usize {
        let records = self.records.load(Ordering::Relaxed);
        let responses = self.responses.load(Ordering::Relaxed);
        records * Entry::SIZE + responses
    }

    fn is_empty(&self) -> bool {
        self.records.load(Ordering::SeqCst) == 0
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        // No code panics while it holds a shard in a half-changed state.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the shard of a key, at this instant.
    fn change<T>(
        &self,
        key: &RecordKey,
        change: impl FnOnce(&mut Shard, Hashed<'_>, Time) -> T,
    ) -> T {
        let (index, key) = self.seed.place(key, SHARDS);
        self.counting(index, |shard| change(shard, key, self.clock.now()))
    }

    /// Changes a shard, and counts what that adds and removes before anyone else sees it.
    fn counting<T>(&self, index: usize, change: impl FnOnce(&mut Shard) -> T) -> T {
        let mut shard = self.lock(index);
        let before = shard.size();
        let answer = change(&mut shard);
        let after = shard.size();
        let add = |to: &AtomicUsize, before: usize, after: usize| {
            if after != before {
                // Adding a negative number wraps round to the difference.
                to.fetch_add(after.wrapping_sub(before), Ordering::SeqCst);
            }
        };
        add(&self.records, before.records, after.records);
        add(&self.responses, before.responses, after.responses);
        answer
    }
}

#[async_trait]
impl IdempotencyStore for MemoryStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let claim = self.try_claim(key, lease).or_else(|| {
            sweeper::make_room(&self.shared, sweeper::LOOKED_AT);
            self.try_claim(key, lease)
        });
        // Only now: a task that ends while a record comes in must see it, or be missed here.
        sweeper::ensure_running(&self.shared);
        claim.ok_or_else(|| {
            StoreError::new(Operation::Claim, StoreErrorKind::Full, WriteEffect::None)
        })
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let renew = |shard: &mut Shard, key: Hashed<'_>, now| shard.renew(key, lease, now);
        Ok(self.shared.change(key, renew))
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let (fenced, _replaced) = self.shared.change(key, |shard, key, now| {
            shard.complete(key, lease, outcome, now, now + retention)
        });
        // It may be the store's only record, if its lease ran out and was swept.
        sweeper::ensure_running(&self.shared);
        Ok(fenced)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let release = |shard: &mut Shard, key: Hashed<'_>, now| shard.release(key, lease, now);
        Ok(self.shared.change(key, release))
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let (index, key) = self.shared.seed.place(key, SHARDS);
        let shard = self.shared.lock(index);
        Ok(shard.look_up(key, self.shared.clock.now()))
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited()
    }

    fn identity(&self) -> StoreIdentity {
        self.shared.identity
    }

    fn recalls(&self) -> Option<&dyn Recall> {
        Some(self)
    }
}

impl Recall for MemoryStore {
    fn recall(&self, key: &RecordKey, tag: &RequestTag) -> Option<Arc<Response>> {
        let (index, key) = self.shared.seed.place(key, SHARDS);
        let shard = self.shared.lock(index);
        shard.recall(key, tag, || self.shared.clock.now())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("records", &self.records())
            .field("bytes", &self.bytes())
            .field("limits", &self.shared.limits)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::{Identity, OwnerToken},
        request::Fingerprint,
    };

    fn key(number: u64) -> RecordKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        RecordKey::from_bytes(key)
    }

    fn lease(term: Duration) -> Lease {
        let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
        Lease::of_owner(OwnerToken::from_bytes([1; 16]), identity, term)
    }

    fn turn(store: &mut MemoryStore, duration: Duration) {
        let shared = Arc::get_mut(&mut store.shared).expect("nobody else has it");
        shared.clock = shared.clock.ahead_by(duration);
    }

    #[test]
    fn to_make_room_takes_so_many_looks_and_goes_on_the_next_time() {
        const RECORDS: usize = 20_000;
        const LOOKS: usize = 1_000;
        let (term, later) = (Duration::from_secs(1), Duration::from_secs(60));
        let limits = MemoryLimits::default().records(RECORDS);
        let mut store = MemoryStore::with_limits(limits);
        for number in 0..RECORDS as u64 {
            let key = key(number);
            assert_eq!(store.try_claim(&key, &lease(term)), Some(Claim::Owned));
            // All were due soon, and all but the last are put off.
            if number + 1 < RECORDS as u64 {
                let renew =
                    |shard: &mut Shard, key: Hashed<'_>, now| shard.renew(key, &lease(later), now);
                let renewed = store.shared.change(&key, renew);
                assert_eq!(renewed, Fenced::Held);
            }
        }
        turn(&mut store, 2 * term);
        let now = store.shared.clock.now();
        let due = || {
            let is_due = |index: &usize| store.shared.lock(*index).is_due(now);
            (0..SHARDS).filter(is_due).count()
        };
        let mut calls = 0;
        while !store.shared.has_room() {
            let before = due();
            sweeper::make_room(&store.shared, LOOKS);
            let looked_at = (before - due()) * RECORDS / SHARDS;
            assert!((1..2 * LOOKS).contains(&looked_at), "{looked_at}");
            calls += 1;
            assert!(calls <= 2 * RECORDS / LOOKS, "it looks at the same again");
        }
    }

    #[test]
    fn where_no_task_runs_claims_remove_what_has_expired() {
        let claim = |store: &MemoryStore, number: u64| {
            let claim = store.try_claim(&key(number), &lease(Duration::from_secs(1)));
            assert_eq!(claim, Some(Claim::Owned));
        };
        let mut store = MemoryStore::new();
        for number in 0..20_000 {
            claim(&store, number);
        }
        turn(&mut store, Duration::from_secs(60));
        for number in 20_000..40_000 {
            claim(&store, number);
        }
        // The counter itself: `records()` would first remove all that has expired.
        assert_eq!(store.shared.records.load(Ordering::SeqCst), 20_000);
    }
}
