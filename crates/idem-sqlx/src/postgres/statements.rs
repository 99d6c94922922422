//! The statements, each as a function on any connection or transaction: the store's own, and a
//! handler's.
//!
//! `clock_timestamp()` stands in all of them but those that sweep, for `now()` is the time of BEGIN.

use std::sync::Arc;

use idem_core::{RecordKey, store::Lease};
use sqlx::{
    AssertSqlSafe, PgExecutor, Postgres, Row, SqlSafeStr, SqlStr, postgres::PgArguments,
    query::Query,
};

use super::enlistment::{PostgresParameters, PostgresWritten};
use crate::{Tables, duration::microseconds};

/// How long a pending record stays after it was claimed, at least, though its lease has run out: a claim
/// or a release can wait for a commit that nobody knows of only while its row is there.
const KEPT_PENDING: i64 = 24 * 60 * 60 * 1_000_000;

/// The texts, with the tables' names in them.
#[derive(Debug)]
pub(super) struct Statements {
    /// Whether a connection may keep them prepared, under names of its own.
    named: bool,
    /// Whether a lease may be written by a transaction that commits before its log is on disk.
    asynchronous_leases: bool,
    claim: SqlStr,
    takeover_lock: SqlStr,
    takeover: SqlStr,
    renew: SqlStr,
    complete: SqlStr,
    complete_lock: SqlStr,
    complete_lapsed: SqlStr,
    complete_enlisted: SqlStr,
    release: SqlStr,
    look_up: SqlStr,
    sweep_lock: SqlStr,
    sweep: SqlStr,
    sweep_renewals: SqlStr,
}

/// A row as the statements write it: a lease or an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a [u8],
    pub(super) owner: &'a [u8],
    pub(super) record: &'a [u8],
    /// How long it lives from now.
    pub(super) microseconds: i64,
    /// Whether it may commit before its log is on disk.
    pub(super) asynchronous: bool,
}

/// What a claim did or found.
#[derive(Debug)]
pub(super) enum Claimed {
    Owned,
    /// Somebody's live record, and what is left of it in microseconds.
    Taken(Vec<u8>, i64),
    /// Somebody's lease that ran out: it is to be taken over.
    Lapsed,
    /// Nothing, for somebody else came between look and write.
    Raced,
}

/// What a completion found that its one statement could not overwrite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Obstacle {
    /// A result that is still kept.
    pub(super) kept: bool,
    pub(super) own: bool,
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl Statements {
    /// `found` are the tables as a connection finds them whose `search_path` a handler has changed.
    pub(super) fn new(
        tables: &Tables,
        found: &Tables,
        asynchronous_leases: bool,
        named: bool,
    ) -> Self {
        let text_in = |tables: &Tables, sql: &str| {
            let sql: Arc<str> = tables.fill(sql).into();
            // The names were checked, and are quoted.
            AssertSqlSafe(sql).into_sql_str()
        };
        let text = |sql: &str| text_in(tables, sql);
        Self {
            named,
            asynchronous_leases,
            claim: text(include_str!("sql/claim.sql")),
            takeover_lock: text(include_str!("sql/takeover_lock.sql")),
            takeover: text(include_str!("sql/takeover.sql")),
            renew: text(include_str!("sql/renew.sql")),
            complete: text(include_str!("sql/complete.sql")),
            complete_lock: text(include_str!("sql/complete_lock.sql")),
            complete_lapsed: text(include_str!("sql/complete_lapsed.sql")),
            complete_enlisted: text_in(found, include_str!("sql/complete_enlisted.sql")),
            release: text(include_str!("sql/release.sql")),
            look_up: text(include_str!("sql/look_up.sql")),
            sweep_lock: text(include_str!("sql/sweep_lock.sql")),
            sweep: text(include_str!("sql/sweep.sql")),
            sweep_renewals: text(include_str!("sql/sweep_renewals.sql")),
        }
    }

    /// A durable lease is on disk when its write is answered, whatever the store's option says.
    pub(super) const fn writes_asynchronously(&self, lease: &Lease) -> bool {
        self.asynchronous_leases && !lease.is_durable()
    }

    fn query<'q>(&self, text: &'q SqlStr) -> Statement<'q> {
        sqlx::query(text.clone()).persistent(self.named)
    }

    fn with_entry<'q>(&self, text: &'q SqlStr, entry: Entry<'q>) -> Statement<'q> {
        let statement = self.query(text).bind(entry.key).bind(entry.owner);
        statement.bind(entry.record).bind(entry.microseconds)
    }

    /// Takes the key if nobody has it, and else tells who does, in one statement.
    pub(super) async fn claim(
        &self,
        on: impl PgExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<Claimed, sqlx::Error> {
        let statement = self
            .with_entry(&self.claim, entry)
            .bind(kept_pending(entry))
            .bind(entry.asynchronous);
        let Some(row) = statement.fetch_optional(on).await? else {
            return Ok(Claimed::Raced);
        };
        Ok(match row.try_get("kind")? {
            0 => Claimed::Owned,
            1 => Claimed::Taken(row.try_get("record")?, row.try_get("left_us")?),
            _ => Claimed::Lapsed,
        })
    }

    /// Waits for the row of a lease that ran out. What [`take_over`](Self::take_over) judges by must
    /// be read after that: in one statement, a renewal that came meanwhile would be overlooked.
    pub(super) async fn lock_for_takeover(
        &self,
        on: impl PgExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<(), sqlx::Error> {
        let statement = self
            .query(&self.takeover_lock)
            .bind(entry.key)
            .bind(entry.owner);
        statement.execute(on).await.map(drop)
    }

    /// Takes over a lease that ran out, in the same transaction as the lock; answers whether it did.
    pub(super) async fn take_over(
        &self,
        on: impl PgExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<bool, sqlx::Error> {
        let statement = self
            .with_entry(&self.takeover, entry)
            .bind(kept_pending(entry))
            .bind(entry.asynchronous);
        any_row(statement, on).await
    }

    /// Restarts a lease, if its owner asks and it has not run out.
    pub(super) async fn renew(
        &self,
        on: impl PgExecutor<'_>,
        key: &RecordKey,
        lease: &Lease,
    ) -> Result<bool, sqlx::Error> {
        let statement = self
            .query(&self.renew)
            .bind(key.as_bytes().as_slice())
            .bind(lease.owner().as_bytes().as_slice())
            .bind(microseconds(lease.duration()))
            .bind(self.writes_asynchronously(lease));
        any_row(statement, on).await
    }

    /// Writes the result, if the fence lets it through: nobody else has a row there that is pending or
    /// kept.
    pub(super) async fn complete(
        &self,
        on: impl PgExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<bool, sqlx::Error> {
        any_row(self.with_entry(&self.complete, entry), on).await
    }

    /// Writes the result within a handler's transaction, if the fence lets it through: this is what makes
    /// record and effect one.
    ///
    /// Not through it goes a result that this owner has written already, unlike
    /// [`complete`](Self::complete): a lease may be delivered to two workers, of which one has had its effect.
    pub(super) async fn complete_enlisted(
        &self,
        on: impl PgExecutor<'_>,
        parameters: &PostgresParameters,
    ) -> Result<PostgresWritten, sqlx::Error> {
        let row = self
            .query(&self.complete_enlisted)
            .bind(parameters.key())
            .bind(parameters.owner())
            .bind(parameters.record())
            .bind(parameters.retention_us())
            .bind(parameters.patience_ms())
            .bind(parameters.mark())
            .fetch_one(on)
            .await?;
        Ok(PostgresWritten::read(
            row.try_get("open")?,
            row.try_get("over")?,
            row.try_get("outermost")?,
        ))
    }

    pub(super) fn complete_enlisted_text(&self) -> &str {
        self.complete_enlisted.as_str()
    }

    /// Waits for the row that kept a completion out, and tells what it is; `None` if it is gone.
    pub(super) async fn lock_for_completion(
        &self,
        on: impl PgExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<Option<Obstacle>, sqlx::Error> {
        let statement = self
            .query(&self.complete_lock)
            .bind(entry.key)
            .bind(entry.owner);
        let Some(row) = statement.fetch_optional(on).await? else {
            return Ok(None);
        };
        Ok(Some(Obstacle {
            kept: row.try_get("kept")?,
            own: row.try_get("own")?,
        }))
    }

    /// Writes the result in the place of somebody's lease that ran out, in the same transaction as
    /// the lock.
    pub(super) async fn complete_over_lapsed(
        &self,
        on: impl PgExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<bool, sqlx::Error> {
        any_row(self.with_entry(&self.complete_lapsed, entry), on).await
    }

    /// Frees the key, if its row is pending and the owner's; tells whether its lease still ran, and `None`
    /// if there was no such row. It waits for a transaction that is about to complete the row, whether
    /// the lease still runs or not: so it also answers what became of a commit.
    pub(super) async fn release(
        &self,
        on: impl PgExecutor<'_>,
        key: &[u8],
        owner: &[u8],
    ) -> Result<Option<bool>, sqlx::Error> {
        let statement = self.query(&self.release).bind(key).bind(owner);
        let row = statement.fetch_optional(on).await?;
        row.map(|row| row.try_get("live")).transpose()
    }

    /// Reads the live record under a key, and what is left of it in microseconds.
    pub(super) async fn look_up(
        &self,
        on: impl PgExecutor<'_>,
        key: &[u8],
    ) -> Result<Option<(Vec<u8>, i64)>, sqlx::Error> {
        let row = self
            .query(&self.look_up)
            .bind(key)
            .fetch_optional(on)
            .await?;
        row.map(|row| Ok((row.try_get("record")?, row.try_get("left_us")?)))
            .transpose()
    }

    /// Locks some rows whose time may be over, the oldest first; those that others use are left out.
    pub(super) async fn lock_for_sweep(
        &self,
        on: impl PgExecutor<'_>,
        most: u32,
    ) -> Result<Vec<Vec<u8>>, sqlx::Error> {
        let rows = self
            .query(&self.sweep_lock)
            .bind(i64::from(most))
            .fetch_all(on);
        rows.await?.iter().map(|row| row.try_get("key")).collect()
    }

    /// Deletes those of the locked rows whose time is over, as of a snapshot after the lock.
    pub(super) async fn sweep(
        &self,
        on: impl PgExecutor<'_>,
        keys: &[Vec<u8>],
    ) -> Result<u64, sqlx::Error> {
        let swept = self.query(&self.sweep).bind(keys).execute(on).await?;
        Ok(swept.rows_affected())
    }

    /// Deletes renewals that say nothing any more.
    pub(super) async fn sweep_renewals(
        &self,
        on: impl PgExecutor<'_>,
        most: u32,
    ) -> Result<(), sqlx::Error> {
        let statement = self.query(&self.sweep_renewals).bind(i64::from(most));
        statement.execute(on).await.map(drop)
    }
}

fn kept_pending(entry: Entry<'_>) -> i64 {
    entry.microseconds.max(KEPT_PENDING)
}

async fn any_row(statement: Statement<'_>, on: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    Ok(statement.execute(on).await?.rows_affected() > 0)
}
