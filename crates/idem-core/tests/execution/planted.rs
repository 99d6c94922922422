//! A store whose calls take a while, fail or panic.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use idem_core::{
    Idempotency, IdempotencyStore, MemoryStore, Policy, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect,
    },
};

use crate::support::{LEASE, Log};

/// What a call does besides what it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plant {
    Takes(Duration),
    /// Its answer takes a while.
    Answers(Duration),
    /// It takes a while, and nothing is written.
    Fails(Duration),
    PanicsBefore,
    PanicsAfter,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PlantedStore {
    pub(crate) inner: MemoryStore,
    /// Whether it panics when it is asked for its capacity.
    pub(crate) has_no_capacity: bool,
    /// Its own identity, as if nobody in this process had the same store.
    pub(crate) identity: Option<StoreIdentity>,
    plants: Arc<Mutex<HashMap<Operation, (Plant, bool)>>>,
}

impl PlantedStore {
    pub(crate) fn plant(&self, operation: Operation, plant: Plant) {
        let always = (plant, true);
        self.plants.lock().unwrap().insert(operation, always);
    }

    pub(crate) fn plant_once(&self, operation: Operation, plant: Plant) {
        let once = (plant, false);
        self.plants.lock().unwrap().insert(operation, once);
    }

    pub(crate) fn clear(&self) {
        self.plants.lock().unwrap().clear();
    }

    /// The same records, as another process has them.
    pub(crate) fn elsewhere(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            identity: Some(StoreIdentity::unique()),
            ..Self::default()
        }
    }

    /// A server process on this store.
    pub(crate) fn engine(&self, policy: Policy) -> (Idempotency, Log) {
        let log = Log::default();
        let policy = policy.lease(LEASE).observer(log.clone());
        (Idempotency::new(self.clone(), policy), log)
    }

    async fn around<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let plant = {
            let mut plants = self.plants.lock().unwrap();
            let planted = plants.get(&operation).copied();
            if let Some((_, false)) = planted {
                plants.remove(&operation);
            }
            planted.map(|(plant, _)| plant)
        };
        match plant {
            Some(Plant::Takes(time)) => tokio::time::sleep(time).await,
            Some(Plant::Fails(time)) => {
                tokio::time::sleep(time).await;
                let kind = StoreErrorKind::Unavailable;
                return Err(StoreError::new(operation, kind, WriteEffect::None));
            }
            Some(Plant::PanicsBefore) => panic!("a planted panic before {operation:?}"),
            Some(Plant::PanicsAfter | Plant::Answers(_)) | None => {}
        }
        let answer = call.await;
        match plant {
            Some(Plant::Answers(time)) => {
                tokio::time::sleep(time).await;
                answer
            }
            Some(Plant::PanicsAfter) => panic!("a planted panic after {operation:?}"),
            _ => answer,
        }
    }
}

#[async_trait]
impl IdempotencyStore for PlantedStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        self.around(Operation::Claim, self.inner.claim(key, lease))
            .await
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        self.around(Operation::Renew, self.inner.renew(key, lease))
            .await
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let call = self.inner.complete(key, lease, outcome, retention);
        self.around(Operation::Complete, call).await
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        self.around(Operation::Release, self.inner.release(key, lease))
            .await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        self.around(Operation::LookUp, self.inner.look_up(key))
            .await
    }

    fn capacity(&self) -> Capacity {
        assert!(!self.has_no_capacity, "a planted panic");
        self.inner.capacity()
    }

    fn identity(&self) -> StoreIdentity {
        self.identity.unwrap_or_else(|| self.inner.identity())
    }
}
