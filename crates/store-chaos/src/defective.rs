//! A store with a defect that the judge must see.

use std::{error::Error, fmt, future::Future, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect,
    },
};

/// A store of which one operation writes without a fence.
pub struct Defective<S, U> {
    sound: S,
    unfenced: U,
    defect: Operation,
}

/// What an operation writes.
#[derive(Clone, Copy, Debug)]
pub enum Write<'a> {
    /// A lease in the place of whatever is there.
    Claim,
    /// A longer life of whatever is there.
    Renew,
    /// An outcome, to be kept for this long, in the place of whatever is there.
    Complete(&'a Outcome, Duration),
    /// Nothing in the place of whatever is there.
    Release,
}

/// Writes that ask for no owner.
pub trait Unfenced: Send + Sync + 'static {
    /// Writes, and tells whether something was there for it.
    fn write(
        &self,
        key: &RecordKey,
        lease: &Lease,
        write: Write<'_>,
    ) -> impl Future<Output = Result<bool, Box<dyn Error + Send + Sync>>> + Send;
}

impl<S: IdempotencyStore, U: Unfenced> Defective<S, U> {
    /// Is sound but for this operation.
    pub const fn new(sound: S, unfenced: U, defect: Operation) -> Self {
        Self {
            sound,
            unfenced,
            defect,
        }
    }

    async fn write(
        &self,
        key: &RecordKey,
        lease: &Lease,
        write: Write<'_>,
    ) -> Result<Fenced, StoreError> {
        match self.unfenced.write(key, lease, write).await {
            Ok(true) => Ok(Fenced::Held),
            Ok(false) => Ok(Fenced::Lost),
            Err(error) => {
                let kind = StoreErrorKind::Unavailable;
                Err(StoreError::new(self.defect, kind, WriteEffect::Unknown).with_source(error))
            }
        }
    }
}

#[async_trait]
impl<S: IdempotencyStore, U: Unfenced> IdempotencyStore for Defective<S, U> {
    /// The defect is to look before it writes.
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        if self.defect != Operation::Claim || self.sound.look_up(key).await?.is_some() {
            return self.sound.claim(key, lease).await;
        }
        let _ = self.write(key, lease, Write::Claim).await?;
        Ok(Claim::Owned)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        match self.defect {
            Operation::Renew => self.write(key, lease, Write::Renew).await,
            _ => self.sound.renew(key, lease).await,
        }
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let write = Write::Complete(outcome, retention);
        match self.defect {
            Operation::Complete => self.write(key, lease, write).await,
            _ => self.sound.complete(key, lease, outcome, retention).await,
        }
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        match self.defect {
            Operation::Release => self.write(key, lease, Write::Release).await,
            _ => self.sound.release(key, lease).await,
        }
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

impl<S, U> fmt::Debug for Defective<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Defective").field(&self.defect).finish()
    }
}
