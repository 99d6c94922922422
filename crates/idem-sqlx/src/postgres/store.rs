//! The store: each operation as one statement, and what follows where one cannot decide.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect, decode, encode_completed, encode_pending,
    },
};
use sqlx::PgPool;

use super::{
    builder::PostgresBuilder,
    connection::{Call, OpenPostgres},
    error::meaning,
    prepare,
    statements::{Claimed, Entry, Statements},
};
use crate::{
    Migration, Tables,
    connections::Connections,
    duration::microseconds,
    failure::Failure,
    record::{fits, with_remaining},
    settings::Settings,
    sweeper::{Sweep, Sweeper},
};

/// How often a claim or a completion asks again because others came between its look and its write.
const ROUNDS: usize = 8;

/// Keeps records in tables of a PostgreSQL database. Clones share the connections.
///
/// It opens a few connections of its own beside the application's pool, so that a handler that holds one
/// of the pool's and waits for another never waits for its own claim.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    inner: Arc<Inner>,
    _sweeper: Option<Arc<Sweeper>>,
}

pub(super) struct Inner {
    /// The application's.
    pool: PgPool,
    connections: Arc<Connections<OpenPostgres>>,
    statements: Statements,
    settings: Settings,
    identity: StoreIdentity,
}

impl PostgresStore {
    /// Sets up a store beside this pool, by the pool's own connect options.
    pub fn builder(pool: &PgPool) -> PostgresBuilder {
        PostgresBuilder::new(pool)
    }

    /// The SQL that creates the tables, in order, for those who run their migrations themselves. Each
    /// does nothing where it was run before.
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
    /// Call it at a stop, after the last request, so that the server has these connections back.
    pub fn close(&self) {
        self.inner.connections.close();
    }

    /// Removes one batch of expired records, at most 1,000, and answers how many it was. Rows that
    /// are in use are left for the next time. 4 to 5 round trips.
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
        pool: PgPool,
        connections: Arc<Connections<OpenPostgres>>,
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

    pub(super) const fn pool(&self) -> &PgPool {
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

    async fn call(&self) -> Result<Call, Failure> {
        Call::begin(&self.connections, self.settings.call_timeout).await
    }

    async fn claim(&self, entry: Entry<'_>) -> Result<Claim, Failure> {
        let mut call = self.call().await?;
        let answer = self.claim_on(&mut call, entry).await;
        call.end(answer).await
    }

    async fn claim_on(&self, call: &mut Call, entry: Entry<'_>) -> Result<Claim, Failure> {
        let statements = &self.statements;
        for _ in 0..ROUNDS {
            match statements.claim(call.connection()?, entry).await? {
                Claimed::Owned => return Ok(Claim::Owned),
                Claimed::Taken(record, left) => {
                    let record = decode(&record).map_err(Failure::Corrupt)?;
                    return Ok(Claim::Taken(with_remaining(record, left_of(left))));
                }
                Claimed::Raced => {}
                Claimed::Lapsed => {
                    call.transaction().await?;
                    statements
                        .lock_for_takeover(call.connection()?, entry)
                        .await?;
                    if statements.take_over(call.connection()?, entry).await? {
                        return Ok(Claim::Owned);
                    }
                }
            }
        }
        Err(Failure::Contended)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        let mut call = self.call().await?;
        let answer = async {
            let connection = call.connection()?;
            Ok(self.statements.renew(connection, key, lease).await?)
        }
        .await;
        call.end(answer).await.map(fenced)
    }

    async fn complete(&self, entry: Entry<'_>) -> Result<Fenced, Failure> {
        let mut call = self.call().await?;
        let answer = self.complete_on(&mut call, entry).await;
        call.end(answer).await.map(fenced)
    }

    async fn complete_on(&self, call: &mut Call, entry: Entry<'_>) -> Result<bool, Failure> {
        let statements = &self.statements;
        for _ in 0..ROUNDS {
            if statements.complete(call.connection()?, entry).await? {
                return Ok(true);
            }
            // Somebody else's row stands there: a result, or a lease that may have run out.
            call.transaction().await?;
            match statements
                .lock_for_completion(call.connection()?, entry)
                .await?
            {
                None => {}
                Some(found) if found.own => {}
                Some(found) if found.kept => return Ok(false),
                Some(_) => {
                    let over_lapsed = statements.complete_over_lapsed(call.connection()?, entry);
                    return Ok(over_lapsed.await?);
                }
            }
        }
        Err(Failure::Contended)
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
        let mut call = self.call().await?;
        let (key, owner) = (key.as_bytes(), lease.owner().as_bytes());
        let answer = async {
            let connection = call.connection()?;
            Ok(self.statements.release(connection, key, owner).await?)
        }
        .await;
        call.end(answer).await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, Failure> {
        let mut call = self.call().await?;
        let answer = async {
            let connection = call.connection()?;
            Ok(self.statements.look_up(connection, key.as_bytes()).await?)
        }
        .await;
        let Some((record, left)) = call.end(answer).await? else {
            return Ok(None);
        };
        let record = decode(&record).map_err(Failure::Corrupt)?;
        let left = left_of(left);
        Ok(Some(Stored::new(with_remaining(record, left), Some(left))))
    }

    async fn sweep_on(&self, call: &mut Call) -> Result<u64, Failure> {
        let statements = &self.statements;
        call.transaction().await?;
        let keys = statements
            .lock_for_sweep(call.connection()?, Self::BATCH)
            .await?;
        let swept = match keys.is_empty() {
            true => 0,
            false => statements.sweep(call.connection()?, &keys).await?,
        };
        statements
            .sweep_renewals(call.connection()?, Self::BATCH)
            .await?;
        Ok(swept)
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
    const BATCH: u32 = 1_000;

    async fn sweep(&self) -> Result<u64, sqlx::Error> {
        let mut call = self.call().await.map_err(Failure::into_sqlx)?;
        let answer = self.sweep_on(&mut call).await;
        call.end(answer).await.map_err(Failure::into_sqlx)
    }
}

#[async_trait]
impl IdempotencyStore for PostgresStore {
    /// 1 round trip, fresh or not. 5 where a lease ran out and is taken over.
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let record = encode_pending(lease);
        let answer = self.inner.claim(Entry {
            key: key.as_bytes(),
            owner: lease.owner().as_bytes(),
            record: &record,
            microseconds: microseconds(lease.duration()),
            asynchronous: self.inner.statements.writes_asynchronously(lease),
        });
        told(Operation::Claim, answer.await)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Renew, self.inner.renew(key, lease).await)
    }

    /// 1 round trip; up to 5 where somebody else's row stands there.
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
            microseconds: microseconds(retention),
            asynchronous: false,
        });
        told(operation, answer.await)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Release, self.inner.release(key, lease).await)
    }

    /// 1 round trip.
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

fn left_of(microseconds: i64) -> Duration {
    Duration::from_micros(microseconds.try_into().unwrap_or_default())
}
