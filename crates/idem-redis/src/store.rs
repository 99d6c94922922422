//! The store: each operation as one script.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect,
    },
};
use redis::Value;
use tokio::time::{Instant, timeout_at};

use crate::{
    answer::{fenced, found},
    confirming::Confirming,
    duration::milliseconds,
    failure::Failure,
    link::Link,
    record::{completed, fits, pending, pending_head},
    scripts::{CLAIM, COMPLETE, LOOK_UP, RELEASE, RENEW, Script},
};

/// Keeps records in Redis or Valkey, one string each. Clones share the connection.
#[derive(Clone, Debug)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) link: Box<dyn Link>,
    pub(crate) confirming: Option<Confirming>,
    pub(crate) prefix: Vec<u8>,
    pub(crate) call_timeout: Duration,
    pub(crate) max_record_bytes: usize,
    pub(crate) identity: StoreIdentity,
}

impl RedisStore {
    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl Inner {
    fn name(&self, key: &RecordKey) -> Vec<u8> {
        [self.prefix.as_slice(), key.as_bytes()].concat()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.call_timeout
    }

    async fn call(
        &self,
        script: &Script,
        key: &RecordKey,
        arguments: &[&[u8]],
    ) -> Result<Value, Failure> {
        self.call_until(self.deadline(), script, key, arguments)
            .await
    }

    async fn call_until(
        &self,
        deadline: Instant,
        script: &Script,
        key: &RecordKey,
        arguments: &[&[u8]],
    ) -> Result<Value, Failure> {
        let name = self.name(key);
        let call = script.call(&*self.link, &name, arguments);
        match timeout_at(deadline, call).await {
            Ok(Err(error)) if self.link.sends_again() => Err(Failure::SentAgain(error)),
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::Silent),
        }
    }

    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, Failure> {
        let (record, duration) = (pending(lease), milliseconds(lease.duration()));
        let answer = match &self.confirming {
            None => {
                self.call(&CLAIM, key, &[&record, duration.as_bytes()])
                    .await?
            }
            Some(confirming) => {
                let deadline = self.deadline();
                let (name, arguments) = (self.name(key), [&*record, duration.as_bytes(), b"again"]);
                let claim = confirming.claim(&name, &arguments, deadline);
                match claim.await {
                    Err(Failure::TooFewReplicas { confirmed, .. }) => {
                        let undone = self.undo(key, lease, deadline).await;
                        return Err(Failure::TooFewReplicas { confirmed, undone });
                    }
                    answer => answer?,
                }
            }
        };
        Ok(match found(answer)? {
            None => Claim::Owned,
            Some((record, _)) => Claim::Taken(record),
        })
    }

    /// Frees a key whose claim must not stand; whether it is free for certain.
    async fn undo(&self, key: &RecordKey, lease: &Lease, deadline: Instant) -> bool {
        let head = pending_head(lease);
        let answer = self.call_until(deadline, &RELEASE, key, &[&head]).await;
        answer.is_ok()
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        let (head, duration) = (pending_head(lease), milliseconds(lease.duration()));
        let arguments: [&[u8]; 2] = [&head, duration.as_bytes()];
        fenced(&self.call(&RENEW, key, &arguments).await?)
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, Failure> {
        let (head, record) = (pending_head(lease), completed(lease, outcome));
        let retention = milliseconds(retention);
        let arguments: [&[u8]; 3] = [&head, &record, retention.as_bytes()];
        fenced(&self.call(&COMPLETE, key, &arguments).await?)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        let head = pending_head(lease);
        fenced(&self.call(&RELEASE, key, &[&head]).await?)
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, Failure> {
        let answer = self.call(&LOOK_UP, key, &[]).await?;
        Ok(found(answer)?.map(|(record, left)| Stored::new(record, left)))
    }
}

fn told<T>(operation: Operation, answer: Result<T, Failure>) -> Result<T, StoreError> {
    answer.map_err(|failure| failure.told(operation))
}

impl fmt::Debug for Inner {
    /// Without the connection, whose settings hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("call_timeout", &self.call_timeout)
            .field("max_record_bytes", &self.max_record_bytes)
            .field("confirming", &self.confirming)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IdempotencyStore for RedisStore {
    /// 1 round trip, fresh or not; 2 if [replicas confirm](crate::RedisBuilder::confirm) it.
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        told(Operation::Claim, self.inner.claim(key, lease).await)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Renew, self.inner.renew(key, lease).await)
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let operation = Operation::Complete;
        if !fits(outcome, self.inner.max_record_bytes) {
            let kind = StoreErrorKind::TooLarge;
            return Err(StoreError::new(operation, kind, WriteEffect::None));
        }
        let answer = self.inner.complete(key, lease, outcome, retention).await;
        told(operation, answer)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Release, self.inner.release(key, lease).await)
    }

    /// 1 round trip.
    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        told(Operation::LookUp, self.inner.look_up(key).await)
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited().with_max_record_bytes(self.inner.max_record_bytes)
    }

    fn identity(&self) -> StoreIdentity {
        self.inner.identity
    }
}
