//! A store whose calls fail on demand, to see what an application does then.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey, Response,
    store::{
        Capacity, Claim, Completion, Fenced, Lease, Operation, Outcome, Recall, RequestTag,
        StoreError, StoreErrorKind, StoreIdentity, Stored, WriteEffect,
    },
};
use tokio::time::Instant;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails at once, and nothing is written.
    Refused(StoreErrorKind),
    /// The write lands, and its reply is lost.
    ReplyLost,
    /// No answer ever comes, and nothing is written.
    Mute,
    /// The write lands, and no answer ever comes.
    LandsMute,
}

/// A store that passes calls on to another one, until it is told to fail. Clones share the faults.
///
/// ```
/// use idem_core::{store::{Operation, StoreErrorKind}, MemoryStore};
/// use idem_store_tests::{Fault, FaultyStore};
///
/// let store = FaultyStore::new(MemoryStore::new());
/// store.fail_next(Operation::Claim, Fault::ReplyLost);
/// store.fail(Operation::Complete, Fault::Refused(StoreErrorKind::Unavailable));
/// store.heal();
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStore<S> {
    inner: S,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    always: HashMap<Operation, Fault>,
    next: HashMap<Operation, Fault>,
    calls: HashMap<Operation, usize>,
}

impl<S> FaultyStore<S> {
    /// Wraps a store; nothing fails yet.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            script: Arc::default(),
        }
    }

    /// Lets all calls of an operation fail from now on.
    pub fn fail(&self, operation: Operation, fault: Fault) {
        self.script().always.insert(operation, fault);
    }

    /// Lets the next call of an operation fail.
    pub fn fail_next(&self, operation: Operation, fault: Fault) {
        self.script().next.insert(operation, fault);
    }

    /// Lets all calls pass again.
    pub fn heal(&self) {
        let mut script = self.script();
        script.always.clear();
        script.next.clear();
    }

    /// How often an operation was called.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> usize {
        self.script()
            .calls
            .get(&operation)
            .copied()
            .unwrap_or_default()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_fault(&self, operation: Operation) -> Option<Fault> {
        let mut script = self.script();
        *script.calls.entry(operation).or_default() += 1;
        script
            .next
            .remove(&operation)
            .or_else(|| script.always.get(&operation).copied())
    }

    fn is_to_fail(&self, operation: Operation) -> bool {
        let script = self.script();
        script.next.contains_key(&operation) || script.always.contains_key(&operation)
    }

    async fn call<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.next_fault(operation) {
            None => call.await,
            Some(Fault::Refused(kind)) => {
                let error = StoreError::new(operation, kind, WriteEffect::None);
                Err(error.with_source("refused at cache.internal:443 for tenant-secret"))
            }
            Some(Fault::ReplyLost) => {
                call.await?;
                let kind = StoreErrorKind::Unavailable;
                Err(StoreError::new(operation, kind, WriteEffect::Unknown))
            }
            Some(Fault::Mute) => pending().await,
            Some(Fault::LandsMute) => {
                call.await?;
                pending().await
            }
        }
    }
}

#[async_trait]
impl<S: IdempotencyStore> IdempotencyStore for FaultyStore<S> {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        self.call(Operation::Claim, self.inner.claim(key, lease))
            .await
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        self.call(Operation::Renew, self.inner.renew(key, lease))
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
        self.call(Operation::Complete, call).await
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        self.call(Operation::Release, self.inner.release(key, lease))
            .await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        self.call(Operation::LookUp, self.inner.look_up(key)).await
    }

    fn capacity(&self) -> Capacity {
        self.inner.capacity()
    }

    fn identity(&self) -> StoreIdentity {
        self.inner.identity()
    }

    fn recalls(&self) -> Option<&dyn Recall> {
        self.inner.recalls().map(|_| self as &dyn Recall)
    }
}

/// What is recalled counts as a claim, and nothing is while claims fail.
impl<S: IdempotencyStore> Recall for FaultyStore<S> {
    fn recall(&self, key: &RecordKey, tag: &RequestTag) -> Option<Arc<Response>> {
        if self.is_to_fail(Operation::Claim) {
            return None;
        }
        let response = self.inner.recalls()?.recall(key, tag)?;
        *self.script().calls.entry(Operation::Claim).or_default() += 1;
        Some(response)
    }

    fn committed(&self, completion: &Completion<'_>, until: Instant) {
        if let Some(recalls) = self.inner.recalls() {
            recalls.committed(completion, until);
        }
    }
}
