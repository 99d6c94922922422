//! The store: each operation as a read, a write, or a read before a write.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect, decode, encode_completed, encode_pending,
    },
};
use sqlx::SqlitePool;
use tokio::time::Instant;

use super::{
    builder::SqliteBuilder,
    connection::{ByPurpose, Flush},
    error::meaning,
    gate::Turn,
    prepare,
    statements::{Entry, Found, Statements},
};
use crate::{
    Migration, Tables,
    budget::Budget,
    duration::milliseconds,
    failure::Failure,
    record::{fits, with_remaining},
    settings::Settings,
    sweeper::{Sweep, Sweeper},
};

/// How often a claim reads and writes again because others came between.
const ROUNDS: usize = 8;

/// Keeps records in tables of an SQLite file, for processes of one host. Clones share the connections.
///
/// It opens a few connections of its own beside the application's pool, of which each is a thread.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    inner: Arc<Inner>,
    _sweeper: Option<Arc<Sweeper>>,
}

pub(super) struct Inner {
    /// The application's.
    pool: SqlitePool,
    connections: ByPurpose,
    statements: Statements,
    settings: Settings,
    identity: StoreIdentity,
}

impl SqliteStore {
    /// Sets up a store beside this pool, in its file.
    pub fn builder(pool: &SqlitePool) -> SqliteBuilder {
        SqliteBuilder::new(pool)
    }

    /// The SQL that creates the tables, in order, for those who run their migrations themselves. Each
    /// does nothing where it was run before. A schema's name is left out.
    #[must_use]
    pub fn migrations(tables: &Tables) -> Vec<Migration> {
        prepare::migrations(tables)
    }

    pub(super) const fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(super) fn new(inner: Arc<Inner>, sweeper: Option<Sweeper>) -> Self {
        Self {
            inner,
            _sweeper: sweeper.map(Arc::new),
        }
    }

    /// Closes the store's own connections: those that are idle now, and each other one when its call has
    /// ended. Every later call of every clone fails, and the sweeping ends. The application's pool stays open.
    /// Call it at a stop, after the last request, so that nothing keeps the file in use.
    pub fn close(&self) {
        self.inner.connections.close();
    }

    /// Removes one batch of expired records, at most 100, and answers how many it was.
    ///
    /// # Errors
    /// The database's; nothing that is live was removed.
    ///
    /// # Cancel safety
    /// Safe: the batch is removed wholly or not at all.
    pub async fn sweep(&self) -> Result<u64, sqlx::Error> {
        self.inner.sweep().await
    }
}

impl Inner {
    pub(super) fn new(
        pool: SqlitePool,
        connections: ByPurpose,
        statements: Statements,
        settings: Settings,
        identity: StoreIdentity,
    ) -> Arc<Self> {
        Arc::new(Self {
            pool,
            connections,
            statements,
            settings,
            identity,
        })
    }

    pub(super) const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(super) const fn statements(&self) -> &Statements {
        &self.statements
    }

    pub(super) const fn identity(&self) -> StoreIdentity {
        self.identity
    }

    pub(super) const fn call_timeout(&self) -> Duration {
        self.settings.call_timeout
    }

    pub(super) const fn max_record_bytes(&self) -> usize {
        self.settings.max_record_bytes
    }

    /// Waits for the turn to write.
    pub(super) async fn turn(&self, until: Instant) -> Result<Turn, sqlx::Error> {
        self.connections.turn(until).await
    }

    fn budget(&self) -> Budget {
        Budget::begin(self.settings.call_timeout)
    }

    async fn find(&self, key: &[u8], budget: Budget) -> Result<Option<Found>, Failure> {
        let mut call = self.connections.read(budget).await?;
        let found = self.statements.find(call.connection()?, key).await;
        call.end(found)
    }

    async fn claim(&self, entry: Entry<'_>, flush: Flush) -> Result<Claim, Failure> {
        let budget = self.budget();
        for _ in 0..ROUNDS {
            // Readers wait for nobody, so a duplicate is answered while others write.
            match self.find(entry.key, budget).await? {
                Some(found) if !found.completed && found.owner == entry.owner => {
                    return Ok(Claim::Owned);
                }
                Some(found) => {
                    let record = decode(&found.record).map_err(Failure::Corrupt)?;
                    return Ok(Claim::Taken(with_remaining(
                        record,
                        left_of(found.milliseconds),
                    )));
                }
                None => {}
            }
            let mut call = self.connections.write(flush, budget).await?;
            let taken = self.statements.claim(call.connection()?, entry).await;
            if call.end(taken)? {
                return Ok(Claim::Owned);
            }
        }
        Err(Failure::Contended)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        let (key, owner) = (key.as_bytes(), lease.owner().as_bytes());
        let duration = milliseconds(lease.duration());
        let mut call = self
            .connections
            .write(Flush::of(lease), self.budget())
            .await?;
        let connection = call.connection()?;
        let renewed = self
            .statements
            .renew(connection, key, owner, duration)
            .await;
        call.end(renewed).map(fenced)
    }

    async fn complete(&self, entry: Entry<'_>) -> Result<Fenced, Failure> {
        let mut call = self.connections.write(Flush::Now, self.budget()).await?;
        let completed = self.statements.complete(call.connection()?, entry).await;
        call.end(completed).map(fenced)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        // A lease that had run out was nobody's, whose row ever it was.
        Ok(fenced(self.free(key, lease).await? == Some(true)))
    }

    /// Deletes what is pending under the key and the lease's owner, and tells whether its lease still ran.
    pub(super) async fn free(
        &self,
        key: &RecordKey,
        lease: &Lease,
    ) -> Result<Option<bool>, Failure> {
        let (key, owner) = (key.as_bytes(), lease.owner().as_bytes());
        let mut call = self
            .connections
            .write(Flush::of(lease), self.budget())
            .await?;
        let freed = self
            .statements
            .release(call.connection()?, key, owner)
            .await;
        call.end(freed)
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, Failure> {
        let Some(found) = self.find(key.as_bytes(), self.budget()).await? else {
            return Ok(None);
        };
        let record = decode(&found.record).map_err(Failure::Corrupt)?;
        let left = left_of(found.milliseconds);
        Ok(Some(Stored::new(with_remaining(record, left), Some(left))))
    }

    async fn sweep_once(&self) -> Result<u64, Failure> {
        let budget = self.budget();
        let mut call = self.connections.read(budget).await?;
        let any = self.statements.any_expired(call.connection()?).await;
        if !call.end(any)? {
            return Ok(0);
        }
        let mut call = self.connections.write(Flush::Later, budget).await?;
        let swept = self.statements.sweep(call.connection()?, Self::BATCH).await;
        call.end(swept)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("connections", &self.connections)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Sweep for Inner {
    const BATCH: u32 = 100;

    async fn sweep(&self) -> Result<u64, sqlx::Error> {
        self.sweep_once().await.map_err(Failure::into_sqlx)
    }
}

#[async_trait]
impl IdempotencyStore for SqliteStore {
    /// A read, and a write if the key is free.
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let record = encode_pending(lease);
        let entry = Entry {
            key: key.as_bytes(),
            owner: lease.owner().as_bytes(),
            record: &record,
            milliseconds: milliseconds(lease.duration()),
        };
        let claim = self.inner.claim(entry, Flush::of(lease));
        told(Operation::Claim, claim.await)
    }

    /// A write.
    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Renew, self.inner.renew(key, lease).await)
    }

    /// A write that is flushed to disk.
    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let operation = Operation::Complete;
        if !fits(outcome, self.inner.settings.max_record_bytes) {
            let kind = StoreErrorKind::TooLarge;
            return Err(StoreError::new(operation, kind, WriteEffect::None));
        }
        let record = encode_completed(lease, outcome);
        let answer = self.inner.complete(Entry {
            key: key.as_bytes(),
            owner: lease.owner().as_bytes(),
            record: &record,
            milliseconds: milliseconds(retention),
        });
        told(operation, answer.await)
    }

    /// A write.
    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Release, self.inner.release(key, lease).await)
    }

    /// A read.
    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        told(Operation::LookUp, self.inner.look_up(key).await)
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited().with_max_record_bytes(self.inner.settings.max_record_bytes)
    }

    fn identity(&self) -> StoreIdentity {
        self.inner.identity
    }
}

pub(super) fn told<T>(operation: Operation, answer: Result<T, Failure>) -> Result<T, StoreError> {
    answer.map_err(|failure| failure.told(operation, meaning))
}

pub(super) const fn fenced(held: bool) -> Fenced {
    match held {
        true => Fenced::Held,
        false => Fenced::Lost,
    }
}

fn left_of(milliseconds: i64) -> Duration {
    Duration::from_millis(milliseconds.try_into().unwrap_or_default())
}
