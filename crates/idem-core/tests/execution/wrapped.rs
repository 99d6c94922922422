//! A store in memory whose calls do something else besides.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, MemoryStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, Recall, StoreError, StoreIdentity,
        Stored,
    },
};

/// What a [`Wrapped`] store does around each call, and what it answers differently.
pub(crate) trait Around: fmt::Debug + Send + Sync + 'static {
    /// Makes the call or leaves it out, and answers.
    fn around<T: Send>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    fn capacity(&self, inner: Capacity) -> Capacity {
        inner
    }

    fn identity(&self, inner: StoreIdentity) -> StoreIdentity {
        inner
    }

    /// Nothing, although the store in memory does.
    fn recalls(&self) -> Option<&dyn Recall> {
        None
    }
}

/// A store that passes its calls on, with something around each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrapped<A, S = MemoryStore> {
    pub(crate) inner: S,
    pub(crate) around: A,
}

#[async_trait]
impl<A: Around, S: IdempotencyStore> IdempotencyStore for Wrapped<A, S> {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let call = self.inner.claim(key, lease);
        self.around.around(Operation::Claim, call).await
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let call = self.inner.renew(key, lease);
        self.around.around(Operation::Renew, call).await
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let call = self.inner.complete(key, lease, outcome, retention);
        self.around.around(Operation::Complete, call).await
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let call = self.inner.release(key, lease);
        self.around.around(Operation::Release, call).await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let call = self.inner.look_up(key);
        self.around.around(Operation::LookUp, call).await
    }

    fn capacity(&self) -> Capacity {
        self.around.capacity(self.inner.capacity())
    }

    fn identity(&self) -> StoreIdentity {
        self.around.identity(self.inner.identity())
    }

    fn recalls(&self) -> Option<&dyn Recall> {
        self.around.recalls()
    }
}
