//! The store with one step each done the way that Momento's docs advise against.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect, encode_completed,
    },
};
use idem_momento::MomentoStore;
use momento::{
    CacheClient, MomentoError,
    cache::{SetRequest, UpdateTtlResponse},
};

use crate::world::{CACHE, World};

/// Which step is done without a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    ReleasesByDelete,
    CompletesBySet,
    RenewsByUpdateTtl,
}

pub(crate) struct Defective {
    defect: Defect,
    sound: MomentoStore,
    client: CacheClient,
}

impl Defective {
    pub(crate) fn new(world: &World, defect: Defect) -> Self {
        Self {
            defect,
            sound: world.store(),
            client: world.client.clone(),
        }
    }
}

#[async_trait]
impl IdempotencyStore for Defective {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        self.sound.claim(key, lease).await
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        if self.defect != Defect::RenewsByUpdateTtl {
            return self.sound.renew(key, lease).await;
        }
        let name = key.as_bytes().to_vec();
        let call = self.client.update_ttl(CACHE, name, lease.duration());
        match call.await.map_err(|it| ambiguous(Operation::Renew, it))? {
            UpdateTtlResponse::Set => Ok(Fenced::Held),
            UpdateTtlResponse::Miss => Ok(Fenced::Lost),
        }
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        if self.defect != Defect::CompletesBySet {
            return self.sound.complete(key, lease, outcome, retention).await;
        }
        let completed = encode_completed(lease, outcome).to_vec();
        let set = SetRequest::new(CACHE, key.as_bytes().to_vec(), completed).ttl(retention);
        let call = self.client.send_request(set);
        call.await
            .map_err(|it| ambiguous(Operation::Complete, it))?;
        Ok(Fenced::Held)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        if self.defect != Defect::ReleasesByDelete {
            return self.sound.release(key, lease).await;
        }
        let call = self.client.delete(CACHE, key.as_bytes().to_vec());
        call.await.map_err(|it| ambiguous(Operation::Release, it))?;
        Ok(Fenced::Held)
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        self.sound.look_up(key).await
    }

    fn capacity(&self) -> Capacity {
        self.sound.capacity()
    }

    fn identity(&self) -> StoreIdentity {
        self.sound.identity()
    }
}

fn ambiguous(operation: Operation, error: MomentoError) -> StoreError {
    StoreError::new(operation, StoreErrorKind::Unavailable, WriteEffect::Unknown).with_source(error)
}

impl fmt::Debug for Defective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Defective").field(&self.defect).finish()
    }
}
