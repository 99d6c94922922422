//! A small store that keeps the contract, or breaks it in one way.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, OwnerToken, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect,
    },
};
use tokio::{task::yield_now, time::sleep};

use crate::{defect::Defect, table::Table};

/// The largest response that the store takes.
const MOST: usize = 256 * 1024;

/// A client of a store; clones share the client, other clients share the data.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceStore {
    defect: Option<Defect>,
    data: Arc<Mutex<Table>>,
    lost: Arc<Mutex<Option<Operation>>>,
    /// What a client locks that takes itself for the only one.
    client: Arc<tokio::sync::Mutex<()>>,
    /// Whom a client has claimed for.
    claimed_for: Arc<Mutex<HashSet<OwnerToken>>>,
    delay: Option<Duration>,
    identity: StoreIdentity,
}

impl ReferenceStore {
    pub(crate) fn new(defect: Option<Defect>) -> Self {
        Self {
            defect,
            data: Arc::new(Mutex::new(Table::new(defect))),
            lost: Arc::default(),
            client: Arc::default(),
            identity: StoreIdentity::unique(),
            claimed_for: Arc::default(),
            delay: None,
        }
    }

    /// Lets every claim take this long.
    pub(crate) fn slow(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    pub(crate) fn other_client(&self) -> Self {
        Self {
            client: Arc::default(),
            claimed_for: Arc::default(),
            ..self.clone()
        }
    }

    /// Lets the next operation of this kind land and fail.
    pub(crate) fn lose_next_reply(&self, operation: Operation) {
        *self.lost.lock().unwrap() = Some(operation);
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.data.lock().unwrap()
    }

    fn reply<T>(&self, operation: Operation, answer: T) -> Result<T, StoreError> {
        if self
            .lost
            .lock()
            .unwrap()
            .take_if(|lost| *lost == operation)
            .is_none()
        {
            return Ok(answer);
        }
        let effect = if self.has(Defect::LandedIsDenied) {
            WriteEffect::None
        } else {
            WriteEffect::Unknown
        };
        let told = match operation {
            Operation::Claim if self.has(Defect::ErrorsNameTheWrongOperation) => Operation::Renew,
            _ => operation,
        };
        Err(StoreError::new(told, StoreErrorKind::Timeout, effect))
    }

    async fn claim_in_steps(&self, key: &RecordKey, lease: &Lease) -> Claim {
        let found = self.table().find(key, lease);
        if let Some(answer) = found {
            return answer;
        }
        yield_now().await;
        self.table().insert(key, lease)
    }

    fn claim_at_once(&self, key: &RecordKey, lease: &Lease) -> Claim {
        let mut table = self.table();
        table
            .find(key, lease)
            .unwrap_or_else(|| table.insert(key, lease))
    }

    async fn complete_in_steps(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Fenced {
        let refused = self.table().refuse_completion(key, lease, retention);
        if let Some(refused) = refused {
            return refused;
        }
        if self.has(Defect::CompleteLeavesAGap) {
            self.table().remove(key);
        }
        yield_now().await;
        self.table().put(key, lease, outcome, retention);
        Fenced::Held
    }

    fn complete_at_once(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Fenced {
        let mut table = self.table();
        let refused = table.refuse_completion(key, lease, retention);
        refused.unwrap_or_else(|| {
            table.put(key, lease, outcome, retention);
            Fenced::Held
        })
    }

    async fn release_in_steps(&self, key: &RecordKey, lease: &Lease) -> Fenced {
        let fenced = self.table().fence_of_release(key, lease);
        yield_now().await;
        if fenced == Fenced::Held {
            self.table().remove(key);
        }
        fenced
    }

    fn release_at_once(&self, key: &RecordKey, lease: &Lease) -> Fenced {
        let mut table = self.table();
        let fenced = table.fence_of_release(key, lease);
        if fenced == Fenced::Held {
            table.remove(key);
        }
        fenced
    }

    /// What is recorded of the outcome, if the store takes it.
    fn fitting(&self, key: &RecordKey, outcome: &Outcome) -> Result<Outcome, StoreError> {
        let most = if self.has(Defect::TakesLessThanItSays) {
            MOST / 2
        } else {
            MOST
        };
        match outcome {
            Outcome::Response(response) if response.size() > most => self.too_large(key),
            other => Ok(other.clone()),
        }
    }

    fn too_large(&self, key: &RecordKey) -> Result<Outcome, StoreError> {
        if self.has(Defect::TooLargeIsCut) {
            return Ok(idem_core::store::NotKept::TooLarge.into());
        }
        if self.has(Defect::TooLargeFreesTheKey) {
            self.table().remove(key);
        }
        let kind = if self.has(Defect::TooLargeIsRejected) {
            StoreErrorKind::Rejected
        } else {
            StoreErrorKind::TooLarge
        };
        Err(StoreError::new(
            Operation::Complete,
            kind,
            WriteEffect::None,
        ))
    }

    /// Whether the client knows nothing of the lease, and will not have it.
    fn disowns(&self, lease: &Lease) -> bool {
        let claimed_for = self.claimed_for.lock().unwrap();
        self.has(Defect::LeasesBelongToTheirClient) && !claimed_for.contains(lease.owner())
    }

    fn name(&self, key: &RecordKey) -> RecordKey {
        let mut bytes = *key.as_bytes();
        if self.has(Defect::KeysAreCutShort) {
            bytes[16..].fill(0);
        }
        RecordKey::from_bytes(bytes)
    }
}

#[async_trait]
impl IdempotencyStore for ReferenceStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let key = &self.name(key);
        self.claimed_for.lock().unwrap().insert(*lease.owner());
        if let Some(delay) = self.delay {
            sleep(delay).await;
        }
        let claim = match self.defect {
            Some(Defect::ClaimIsNotAtomic) => self.claim_in_steps(key, lease).await,
            Some(Defect::ClaimLocksTheClientAlone) => {
                let _alone = self.client.lock().await;
                self.claim_in_steps(key, lease).await
            }
            _ => self.claim_at_once(key, lease),
        };
        self.reply(Operation::Claim, claim)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        if self.disowns(lease) {
            return Ok(Fenced::Lost);
        }
        let fenced = self.table().renew(&self.name(key), lease);
        self.reply(Operation::Renew, fenced)
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        if self.disowns(lease) {
            return Ok(Fenced::Lost);
        }
        let key = &self.name(key);
        let outcome = &self.fitting(key, outcome)?;
        let fenced = match self.defect {
            Some(Defect::CompleteIsNotAtomic | Defect::CompleteLeavesAGap) => {
                self.complete_in_steps(key, lease, outcome, retention).await
            }
            _ => self.complete_at_once(key, lease, outcome, retention),
        };
        self.reply(Operation::Complete, fenced)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        if self.disowns(lease) {
            return Ok(Fenced::Lost);
        }
        let key = &self.name(key);
        let fenced = match self.defect {
            Some(Defect::ReleaseIsNotAtomic) => self.release_in_steps(key, lease).await,
            _ => self.release_at_once(key, lease),
        };
        self.reply(Operation::Release, fenced)
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let found = self.table().look_up(&self.name(key));
        self.reply(Operation::LookUp, found)
    }

    fn capacity(&self) -> Capacity {
        let most = if self.has(Defect::CapacityIsWhatIsFree) {
            MOST - self.table().len()
        } else {
            MOST
        };
        Capacity::unlimited().with_max_record_bytes(most)
    }

    fn identity(&self) -> StoreIdentity {
        self.identity
    }
}
