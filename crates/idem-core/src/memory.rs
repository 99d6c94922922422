//! The store inside the process: the embedded default, and the fastest.
//!
//! What it must do is said plainly by the contract's example store and by the model of the protocol's tests, and this is for
//! speed: records stay where they are while millions come and go, so that no call waits for long.

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
mod index;
mod shard;
mod slab;
mod sweeper;
mod wheel;

use clock::Clock;
use hash::Seed;
use shard::{Change, Hashed, Shard};

/// A power of two, far above the cores that contend for the locks.
const SHARDS: usize = 256;

/// What a claim sweeps of its own shard on the way, so that expiry keeps up with the load even
/// where no task can be spawned.
const SWEEP_ON_CLAIM: usize = 4;

/// Keeps records in this process's memory. Clones share one store.
///
/// Records expire on their own: the first record starts a task on its tokio runtime, which removes expired
/// records once a second and ends when the store is empty or dropped. Without a runtime, only claims remove
/// expired records, a few each.
///
/// The store is bounded, by default to 1,000,000 records and 512 MiB ([`MemoryLimits`]). When it is full it
/// refuses claims and keeps what it has: a record that was dropped early would let its request run twice.
/// Executions that were admitted before are still recorded, so the bytes may exceed the limit by what was
/// running then.
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
    bytes: AtomicUsize,
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
                bytes: AtomicUsize::new(0),
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
        self.shared.bytes.load(Ordering::Relaxed)
    }

    fn try_claim(&self, key: &RecordKey, lease: &Lease) -> Option<Claim> {
        // It is declared first to be dropped last: responses are freed after the lock is.
        let swept;
        let (mut shard, key) = self.shared.shard(key);
        let now = self.shared.clock.now();
        swept = shard.sweep(now, SWEEP_ON_CLAIM);
        self.shared.account(swept.change);
        if let Some(answer) = shard.find(key, lease, now) {
            return Some(answer);
        }
        // Claims in other shards may pass this check at the same time: the limit may be passed by
        // one record for each shard, which a lock over all of them is not worth.
        if !self.shared.has_room() {
            return None;
        }
        let change = shard.insert_pending(key, lease, now);
        self.shared.account(change);
        Some(Claim::Owned)
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
            && self.bytes.load(Ordering::Relaxed) < self.limits.bytes
    }

    fn shard<'a>(&self, key: &'a RecordKey) -> (MutexGuard<'_, Shard>, Hashed<'a>) {
        let (index, hash) = self.seed.place(key, SHARDS);
        (self.lock(index), Hashed { key, hash })
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        // No code panics while it holds a shard in a half-changed state.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what an operation added and removed; called while the shard is locked.
    fn account(&self, change: Change) {
        // Adding a negative number wraps round to the difference.
        if change.records != 0 {
            self.records
                .fetch_add(change.records as usize, Ordering::Relaxed);
        }
        if change.bytes != 0 {
            self.bytes
                .fetch_add(change.bytes as usize, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl IdempotencyStore for MemoryStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let claim = self.try_claim(key, lease).or_else(|| {
            sweeper::sweep_all(&self.shared);
            self.try_claim(key, lease)
        });
        // Only now: a task that ends while a record comes in must see it, or be missed here.
        sweeper::ensure_running(&self.shared);
        claim.ok_or_else(|| {
            StoreError::new(Operation::Claim, StoreErrorKind::Full, WriteEffect::None)
        })
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let (mut shard, key) = self.shared.shard(key);
        Ok(shard.renew(key, lease, self.shared.clock.now()))
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let fenced = {
            let (mut shard, key) = self.shared.shard(key);
            let now = self.shared.clock.now();
            let (fenced, change) = shard.complete(key, lease, outcome, now, retention);
            self.shared.account(change);
            fenced
        };
        // It may be the store's only record, if its lease ran out and was swept.
        sweeper::ensure_running(&self.shared);
        Ok(fenced)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let (mut shard, key) = self.shared.shard(key);
        let (fenced, change) = shard.release(key, lease, self.shared.clock.now());
        self.shared.account(change);
        Ok(fenced)
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let (shard, key) = self.shared.shard(key);
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
        let (shard, key) = self.shared.shard(key);
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
