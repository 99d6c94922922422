//! Completed records kept in the process, in front of a store that is elsewhere.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::{
    contract::{
        Capacity, Claim, Completion, Fenced, IdempotencyStore, Recall, StoreError, StoreIdentity,
    },
    record::{Lease, Outcome, Record, RecordKey, Response, Stored},
    request::RequestTag,
};

mod kept;

use kept::Kept;

/// What a cache holds by default: 64 MiB.
const BYTES: usize = 64 * 1024 * 1024;

/// A cache in front of a store. It keeps the records that this process has completed, so that their retries
/// take no round trip. Clones share one cache.
///
/// A completed record does not change until its retention is over. So a duplicate that finds one here gets the
/// answer that the store would have given: the replay, or a refusal because of another payload or other
/// credentials. Everything else goes to the store: fresh requests, renewals, releases,
/// [look-ups](IdempotencyStore::look_up), and duplicates of requests that another process completed.
///
/// ```
/// use idem_core::{Idempotency, LocalCache, MemoryStore, Policy};
///
/// // In the place of a store across a network.
/// let store = LocalCache::new(MemoryStore::new()).bytes(16 * 1024 * 1024);
/// let idempotency = Idempotency::new(store, Policy::default());
/// # let _ = idempotency;
/// ```
///
/// # What is kept
/// - A completion that the store has acknowledged, until the retention is over, counted from before it was
///   sent. It is not kept if it was not claimed through this cache, if an earlier attempt was not answered, or if the lease
///   [travelled](crate::TravellingLease): it is then unknown whose completion is in the store, and since when.
/// - A record that a handler's own [transaction](crate::store::Ending) has committed.
/// - The latest records, up to the cache's bytes. The oldest go first, because retries come soon. A response that is larger
///   than the whole cache is not kept, and drops no other.
///
/// # What to know
/// - A record that is deleted in the store by hand, or that the store loses, is still replayed here.
/// - Time is measured by this process's monotonic clock. If that clock stops while the machine is suspended, as
///   on Linux, a record is replayed here for that much longer.
/// - Each process has a cache of its own. It pays off if a client's retry mostly reaches the same process.
#[derive(Clone)]
pub struct LocalCache<S> {
    store: S,
    kept: Arc<Mutex<Kept>>,
}

impl<S> LocalCache<S> {
    /// Keeps up to 64 MiB in front of a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store,
            kept: Arc::new(Mutex::new(Kept::new(BYTES))),
        }
    }

    /// Bounds the cache in bytes, counted as each record's own size with its response, and empties it.
    #[must_use]
    pub fn bytes(self, most: usize) -> Self {
        Self {
            kept: Arc::new(Mutex::new(Kept::new(most))),
            ..self
        }
    }

    /// The store behind the cache.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No code panics while it has changed a half.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: IdempotencyStore> IdempotencyStore for LocalCache<S> {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let found = self.kept().find(key, Instant::now());
        if let Some(completed) = found {
            return Ok(Claim::Taken(Record::Completed(completed)));
        }
        let claim = self.store.claim(key, lease).await?;
        if claim == Claim::Owned {
            self.kept().claimed(key, lease, Instant::now());
        }
        Ok(claim)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let renewed = self.store.renew(key, lease).await?;
        if renewed == Fenced::Held {
            self.kept().renewed(key, lease, Instant::now());
        }
        Ok(renewed)
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        // Before it is sent: the record stands for so long at least.
        let now = Instant::now();
        let sent = now
            .checked_add(retention)
            .and_then(|until| self.kept().send(key, lease, until));
        let completed = self.store.complete(key, lease, outcome, retention).await;
        let Some(sent) = sent else {
            return completed;
        };
        match &completed {
            Ok(Fenced::Held) => self.kept().keep(key, &sent, lease, outcome),
            Ok(Fenced::Lost) => self.kept().forget(key, &sent),
            // Whatever the owner completes next, an earlier outcome may stand.
            Err(error) if error.may_have_landed() => {}
            Err(_) => self.kept().failed(key, &sent),
        }
        completed
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        self.kept().released(key, lease);
        self.store.release(key, lease).await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        self.store.look_up(key).await
    }

    fn capacity(&self) -> Capacity {
        self.store.capacity()
    }

    fn identity(&self) -> StoreIdentity {
        self.store.identity()
    }

    fn recalls(&self) -> Option<&dyn Recall> {
        Some(self)
    }
}

impl<S: IdempotencyStore> Recall for LocalCache<S> {
    fn recall(&self, key: &RecordKey, tag: &RequestTag) -> Option<Arc<Response>> {
        let recalled = self.kept().recall(key, tag, Instant::now());
        recalled.or_else(|| self.store.recalls()?.recall(key, tag))
    }

    fn committed(&self, completion: &Completion<'_>, until: Instant) {
        let (key, lease) = (completion.key(), completion.lease());
        self.kept()
            .put(key, lease, completion.outcome(), Instant::now(), until);
        if let Some(recalls) = self.store.recalls() {
            recalls.committed(completion, until);
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for LocalCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCache")
            .field("store", &self.store)
            .field("bytes", &self.kept().bytes())
            .finish_non_exhaustive()
    }
}
