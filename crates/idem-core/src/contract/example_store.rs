use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait; // the trait's methods are boxed by it, so that a store can be an object
use idem_core::store::{
    Capacity, Claim, Completed, Fenced, IdempotencyStore, Lease, Outcome, Pending, Record,
    RecordKey, StoreError, StoreIdentity, Stored,
};
use tokio::time::Instant;

/// One map behind a lock: the lock makes each operation atomic.
#[derive(Debug)]
pub struct MapStore {
    entries: Mutex<HashMap<RecordKey, Entry>>,
    identity: StoreIdentity,
}

#[derive(Debug)]
struct Entry {
    lease: Lease,
    outcome: Option<Outcome>,
    end: Instant,
}

impl Entry {
    fn record(&self, now: Instant) -> Record {
        let (owner, identity) = (*self.lease.owner(), *self.lease.identity());
        match &self.outcome {
            None => Record::Pending(Pending::new(owner, identity, Some(self.end - now))),
            Some(outcome) => Record::Completed(Completed::new(owner, identity, outcome.clone())),
        }
    }

    /// The fence: the record is pending, under the lease's own token.
    fn is_held_by(&self, lease: &Lease) -> bool {
        self.outcome.is_none() && self.lease.owner() == lease.owner()
    }
}

impl MapStore {
    pub fn new() -> Self {
        Self {
            entries: Mutex::default(),
            identity: StoreIdentity::unique(),
        }
    }

    /// Does one operation on what stands under the key. What has run out is absent.
    fn at<T>(
        &self,
        key: &RecordKey,
        operation: impl FnOnce(&mut Option<Entry>, Instant) -> T,
    ) -> T {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut entry = entries.remove(key).filter(|entry| now < entry.end);
        let answer = operation(&mut entry, now);
        entries.extend(entry.map(|entry| (*key, entry)));
        answer
    }
}

#[async_trait]
impl IdempotencyStore for MapStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        Ok(self.at(key, |entry, now| match entry {
            // Its owner asks again, and the lease runs from the first time.
            Some(entry) if entry.is_held_by(lease) => Claim::Owned,
            Some(entry) => Claim::Taken(entry.record(now)),
            None => {
                *entry = Some(Entry {
                    lease: *lease,
                    outcome: None,
                    end: now + lease.duration(),
                });
                Claim::Owned
            }
        }))
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        Ok(self.at(key, |entry, now| match entry {
            Some(entry) if entry.is_held_by(lease) => {
                entry.end = now + lease.duration();
                Fenced::Held
            }
            _ => Fenced::Lost,
        }))
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        Ok(self.at(key, |entry, now| match entry {
            Some(entry) if entry.lease.owner() != lease.owner() => Fenced::Lost,
            // It was completed before, by the same owner: that is applied once.
            Some(entry) if entry.outcome.is_some() => Fenced::Held,
            // Pending, or absent: what was done must be remembered though the lease ran out.
            _ => {
                let outcome = Some(outcome.clone());
                *entry = Some(Entry {
                    lease: *lease,
                    outcome,
                    end: now + retention,
                });
                Fenced::Held
            }
        }))
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        Ok(self.at(key, |entry, _| match entry {
            Some(held) if held.is_held_by(lease) => {
                *entry = None;
                Fenced::Held
            }
            _ => Fenced::Lost,
        }))
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        Ok(self.at(key, |entry, now| {
            let entry = entry.as_ref()?;
            Some(Stored::new(entry.record(now), Some(entry.end - now)))
        }))
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited()
    }

    fn identity(&self) -> StoreIdentity {
        self.identity
    }
}
