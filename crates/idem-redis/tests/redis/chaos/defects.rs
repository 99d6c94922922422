//! The store with one step each done without a fence, as many do it on Redis.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect, encode_completed, encode_pending,
    },
};
use idem_redis::RedisStore;
use redis::{Cmd, RedisError, Value};

use crate::chaos::shaky::Shaky;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    ClaimsByGetAndSet,
    ReleasesByDel,
    CompletesBySet,
    RenewsByPexpire,
}

pub(crate) struct Defective {
    sound: RedisStore,
    connection: Shaky,
    defect: Defect,
}

impl Defective {
    pub(crate) fn new(sound: RedisStore, connection: Shaky, defect: Defect) -> Self {
        Self {
            sound,
            connection,
            defect,
        }
    }

    /// Sends a command about the record, and counts what it says as held.
    async fn hold(&self, operation: Operation, command: &Cmd) -> Result<Fenced, StoreError> {
        let mut connection = self.connection.clone();
        let answer = command.query_async::<Value>(&mut connection);
        match answer.await.map_err(|error| ambiguous(operation, error))? {
            Value::Int(0) => Ok(Fenced::Lost),
            _ => Ok(Fenced::Held),
        }
    }
}

fn named(command: &str, key: &RecordKey) -> Cmd {
    let mut command = redis::cmd(command);
    command.arg([b"idem:".as_slice(), key.as_bytes()].concat());
    command
}

fn framed(state: u8, lease: &Lease, record: &[u8]) -> Vec<u8> {
    [&[state], lease.owner().as_bytes().as_slice(), record].concat()
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap()
}

#[async_trait]
impl IdempotencyStore for Defective {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        if self.defect != Defect::ClaimsByGetAndSet || self.sound.look_up(key).await?.is_some() {
            return self.sound.claim(key, lease).await;
        }
        let mut set = named("SET", key);
        set.arg(framed(b'P', lease, &encode_pending(lease)));
        set.arg("PX").arg(milliseconds(lease.duration()));
        let _ = self.hold(Operation::Claim, &set).await?;
        Ok(Claim::Owned)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        if self.defect != Defect::RenewsByPexpire {
            return self.sound.renew(key, lease).await;
        }
        let mut expire = named("PEXPIRE", key);
        expire.arg(milliseconds(lease.duration()));
        self.hold(Operation::Renew, &expire).await
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
        let mut set = named("SET", key);
        set.arg(framed(b'C', lease, &encode_completed(lease, outcome)));
        set.arg("PX").arg(milliseconds(retention));
        self.hold(Operation::Complete, &set).await
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        if self.defect != Defect::ReleasesByDel {
            return self.sound.release(key, lease).await;
        }
        self.hold(Operation::Release, &named("DEL", key)).await
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

fn ambiguous(operation: Operation, error: RedisError) -> StoreError {
    StoreError::new(operation, StoreErrorKind::Unavailable, WriteEffect::Unknown).with_source(error)
}

impl fmt::Debug for Defective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Defective").field(&self.defect).finish()
    }
}
