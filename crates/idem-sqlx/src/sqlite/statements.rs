//! The statements, each as a function on any connection or transaction: the store's own, and a
//! handler's.
//!
//! Their clock is SQLite's, read within the statement: after the lock was waited for, and the same for
//! all processes of the host. A process that read its clock and then waited would judge by an old time.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, Row, SqlSafeStr, SqlStr, Sqlite,
    query::Query,
    sqlite::{SqliteArguments, SqliteExecutor},
};

use crate::Tables;

/// The texts, with the tables' names in them.
#[derive(Debug)]
pub(super) struct Statements {
    find: SqlStr,
    claim: SqlStr,
    renew: SqlStr,
    complete: SqlStr,
    complete_enlisted: SqlStr,
    begin: String,
    marked: SqlStr,
    release: SqlStr,
    expired: SqlStr,
    sweep: SqlStr,
}

/// A row as the statements write it: a lease, or the outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a [u8],
    pub(super) owner: &'a [u8],
    pub(super) record: &'a [u8],
    /// How long it lives from now.
    pub(super) milliseconds: i64,
}

/// A live row.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) owner: Vec<u8>,
    pub(super) completed: bool,
    pub(super) record: Vec<u8>,
    /// What is left of its time.
    pub(super) milliseconds: i64,
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Statements {
    pub(super) fn new(tables: &Tables) -> Self {
        let text = |sql: &str| {
            let sql: Arc<str> = tables.fill(sql).into();
            // The names were checked, and are quoted.
            AssertSqlSafe(sql).into_sql_str()
        };
        Self {
            find: text(include_str!("sql/find.sql")),
            claim: text(include_str!("sql/claim.sql")),
            renew: text(include_str!("sql/renew.sql")),
            complete: text(include_str!("sql/complete.sql")),
            complete_enlisted: text(include_str!("sql/complete_enlisted.sql")),
            begin: tables.fill(include_str!("sql/begin.sql")),
            marked: text(include_str!("sql/marked.sql")),
            release: text(include_str!("sql/release.sql")),
            expired: text(include_str!("sql/expired.sql")),
            sweep: text(include_str!("sql/sweep.sql")),
        }
    }

    /// Reads the live row under a key.
    pub(super) async fn find(
        &self,
        on: impl SqliteExecutor<'_>,
        key: &[u8],
    ) -> Result<Option<Found>, sqlx::Error> {
        let rows = query(&self.find).bind(key).fetch_all(on).await?;
        let found = rows.first().map(|row| {
            Ok(Found {
                owner: row.try_get("owner")?,
                completed: row.try_get("completed")?,
                record: row.try_get("record")?,
                milliseconds: row.try_get("left_ms")?,
            })
        });
        found.transpose()
    }

    /// Takes the key if no live row is there; answers whether it did.
    pub(super) async fn claim(
        &self,
        on: impl SqliteExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<bool, sqlx::Error> {
        any_row(with_entry(&self.claim, entry), on).await
    }

    /// Restarts a lease, if it is the owner's and has not run out.
    pub(super) async fn renew(
        &self,
        on: impl SqliteExecutor<'_>,
        key: &[u8],
        owner: &[u8],
        milliseconds: i64,
    ) -> Result<bool, sqlx::Error> {
        let statement = query(&self.renew).bind(key).bind(owner);
        any_row(statement.bind(milliseconds), on).await
    }

    /// Writes the result, if the fence lets it through: nobody else has a live row there.
    pub(super) async fn complete(
        &self,
        on: impl SqliteExecutor<'_>,
        entry: Entry<'_>,
    ) -> Result<bool, sqlx::Error> {
        any_row(with_entry(&self.complete, entry), on).await
    }

    /// Begins a handler's transaction, and marks it in a table that only its connection sees: the mark is there
    /// unless the transaction is rolled back, by anyone.
    pub(super) fn begin(&self, mark: &str) -> SqlStr {
        // The mark has hexadecimal digits.
        AssertSqlSafe(self.begin.replace("$mark", mark)).into_sql_str()
    }

    /// Whether what a transaction did that was marked so is still there.
    pub(super) async fn is_marked(
        &self,
        on: impl SqliteExecutor<'_>,
        mark: &str,
    ) -> Result<bool, sqlx::Error> {
        let rows = query(&self.marked).bind(mark).fetch_all(on).await?;
        let count = rows.first().map(|row| row.try_get::<i64, _>(0));
        Ok(count.transpose()?.is_some_and(|count| count > 0))
    }

    /// Writes the result within a handler's transaction, if the fence lets it through: this is what makes
    /// record and effect one. Not through it goes a result that this owner has written already, for a lease
    /// may be delivered to two workers.
    pub(super) async fn complete_enlisted(
        &self,
        on: impl SqliteExecutor<'_>,
        entry: Entry<'_>,
        mark: &str,
    ) -> Result<bool, sqlx::Error> {
        any_row(with_entry(&self.complete_enlisted, entry).bind(mark), on).await
    }

    /// Frees the key, if its row is pending and the owner's; tells whether its lease still ran, and `None`
    /// if there was no such row. As a write it comes after every commit before it, so it also answers what
    /// became of one.
    pub(super) async fn release(
        &self,
        on: impl SqliteExecutor<'_>,
        key: &[u8],
        owner: &[u8],
    ) -> Result<Option<bool>, sqlx::Error> {
        // All rows are fetched, for SQLite commits with the statement's end and not with its first row.
        let statement = query(&self.release).bind(key).bind(owner);
        let rows = statement.fetch_all(on).await?;
        rows.first().map(|row| row.try_get("live")).transpose()
    }

    /// Whether there is anything to sweep, which takes no lock.
    pub(super) async fn any_expired(
        &self,
        on: impl SqliteExecutor<'_>,
    ) -> Result<bool, sqlx::Error> {
        Ok(!query(&self.expired).fetch_all(on).await?.is_empty())
    }

    /// Deletes some rows whose time is over, the oldest first.
    pub(super) async fn sweep(
        &self,
        on: impl SqliteExecutor<'_>,
        most: u32,
    ) -> Result<u64, sqlx::Error> {
        let swept = query(&self.sweep).bind(i64::from(most)).execute(on).await?;
        Ok(swept.rows_affected())
    }
}

fn query(text: &SqlStr) -> Statement<'_> {
    sqlx::query(text.clone())
}

fn with_entry<'q>(text: &'q SqlStr, entry: Entry<'q>) -> Statement<'q> {
    let statement = query(text).bind(entry.key).bind(entry.owner);
    statement.bind(entry.record).bind(entry.milliseconds)
}

async fn any_row(
    statement: Statement<'_>,
    on: impl SqliteExecutor<'_>,
) -> Result<bool, sqlx::Error> {
    Ok(statement.execute(on).await?.rows_affected() > 0)
}
