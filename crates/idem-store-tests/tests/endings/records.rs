//! The reference store's records: those of a store in memory, with a lock for each row that a transaction writes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, MemoryStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, NotKept, Outcome, Record, StoreError, StoreIdentity, Stored,
    },
};
use tokio::sync::OwnedMutexGuard;

use crate::defect::Defect;

type Row = Arc<tokio::sync::Mutex<()>>;

/// A client of the records; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) defect: Option<Defect>,
    pub(crate) memory: MemoryStore,
    identity: StoreIdentity,
    rows: Arc<Mutex<HashMap<RecordKey, Row>>>,
}

impl Records {
    pub(crate) fn new(defect: Option<Defect>) -> Self {
        let memory = MemoryStore::new();
        Self {
            defect,
            identity: memory.identity(),
            memory,
            rows: Arc::default(),
        }
    }

    pub(crate) fn another(&self) -> Self {
        let identity = match self.defect {
            Some(Defect::ClientsHaveIdentities) => StoreIdentity::unique(),
            _ => self.identity,
        };
        Self {
            identity,
            ..self.clone()
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(crate) async fn row(&self, key: &RecordKey) -> OwnedMutexGuard<()> {
        let row = Arc::clone(self.rows.lock().unwrap().entry(*key).or_default());
        row.lock_owned().await
    }

    async fn found(&self, key: &RecordKey) -> Option<Record> {
        let found = self.memory.look_up(key).await.unwrap()?;
        Some(found.record().clone())
    }

    /// Whether a pending record is this lease's.
    pub(crate) async fn is_held(&self, key: &RecordKey, lease: &Lease) -> bool {
        let found = self.found(key).await;
        matches!(found, Some(Record::Pending(pending)) if pending.owner() == lease.owner())
    }

    /// Frees a pending record, whosever it is.
    pub(crate) async fn free(&self, key: &RecordKey) -> Fenced {
        let Some(Record::Pending(pending)) = self.found(key).await else {
            return Fenced::Lost;
        };
        let theirs = Lease::of_owner(*pending.owner(), *pending.identity(), Duration::MAX);
        self.memory.release(key, &theirs).await.unwrap()
    }

    /// The fenced statement of a transaction; the row is locked.
    pub(crate) async fn complete_in_transaction(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Fenced {
        let found = self.found(key).await;
        let completed = matches!(found, Some(Record::Completed(_)));
        if completed && !self.has(Defect::OwnRecordIsLetThrough) {
            return Fenced::Lost;
        }
        if self.has(Defect::NeedsALiveLease) && !self.is_held(key, lease).await {
            return Fenced::Lost;
        }
        let outcome = match outcome {
            Outcome::NotKept(_) if self.has(Defect::TombstonesAreLeftOut) => return Fenced::Held,
            _ if self.has(Defect::LosesTheResponse) => &NotKept::TooLarge.into(),
            outcome => outcome,
        };
        let completed = self.memory.complete(key, lease, outcome, retention).await;
        completed.unwrap()
    }
}

#[async_trait]
impl IdempotencyStore for Records {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        // A duplicate reads the row, and waits for nobody.
        if self.found(key).await.is_some() {
            return self.memory.claim(key, lease).await;
        }
        let _row = self.row(key).await;
        self.memory.claim(key, lease).await
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let _row = self.row(key).await;
        self.memory.renew(key, lease).await
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let _row = self.row(key).await;
        self.memory.complete(key, lease, outcome, retention).await
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let _row = self.row(key).await;
        if self.has(Defect::ReleaseIsNotFenced) {
            return Ok(self.free(key).await);
        }
        self.memory.release(key, lease).await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        self.memory.look_up(key).await
    }

    fn capacity(&self) -> Capacity {
        self.memory.capacity()
    }

    fn identity(&self) -> StoreIdentity {
        self.identity
    }
}
