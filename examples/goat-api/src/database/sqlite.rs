//! The market in an SQLite file.

mod catalog;
mod goats;
mod orders;
mod schema;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use idem_core::{CurrentExecution, IdempotencyStore};
use idem_sqlx::{SqliteStore, SqliteTransaction};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::database::{Database, DatabaseError, call_timeout};
pub use schema::FileError;

/// A pool of connections to the market's file, and the idempotency records in it; clones share them.
#[derive(Debug, Clone)]
pub struct SqliteFile {
    pool: SqlitePool,
    /// All writes go through it, those without a record too: it lets one after the other write, in order.
    store: SqliteStore,
    writes: Arc<Writes>,
}

/// Whether writes work, as far as it is known.
#[derive(Debug, Default)]
struct Writes {
    /// A write failed, and no trial has worked since.
    failing: AtomicBool,
    /// Held while somebody checks whether they work again.
    trying: Mutex<()>,
}

impl SqliteFile {
    /// Opens the file, and creates it, the market's tables and those of its records if they are missing.
    /// A file of a market that kept its records elsewhere gets their tables too.
    ///
    /// `lease` is the shortest lease of a request whose record is in the file.
    ///
    /// # Errors
    /// The file cannot be opened or written, or is not the market's; then it is left as it is.
    ///
    /// # Cancel safety
    /// Safe: the tables are created in one transaction, and those of the records in another.
    pub async fn open(path: &Path, lease: Duration) -> Result<Self, FileError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        // The journal's mode is written into the file, which may be another program's.
        check(path, &options).await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_release(|connection, _| Box::pin(has_ended(connection)))
            .connect_with(options.journal_mode(SqliteJournalMode::Wal))
            .await
            .map_err(DatabaseError::during("open the database"))?;
        create_tables(&pool).await?;
        let store = SqliteStore::builder(&pool).call_timeout(call_timeout(lease));
        Ok(Self {
            store: store.prepare().await?,
            pool,
            writes: Arc::default(),
        })
    }

    /// Begins a transaction that may write, and in which the execution's record is written; dropped, it is
    /// rolled back.
    async fn begin(
        &self,
        current: Option<&CurrentExecution>,
    ) -> Result<SqliteTransaction, DatabaseError> {
        let transaction = self.store.begin(current).await;
        transaction.map_err(DatabaseError::during("begin a transaction"))
    }

    /// A connection to read with.
    async fn read(&self) -> Result<PoolConnection<Sqlite>, DatabaseError> {
        self.pool
            .acquire()
            .await
            .map_err(DatabaseError::during("connect to the database"))
    }

    /// Remembers that a write failed.
    async fn writing<T>(
        &self,
        write: impl Future<Output = Result<T, DatabaseError>>,
    ) -> Result<T, DatabaseError> {
        let written = write.await;
        if written.is_err() {
            self.write_failed();
        }
        written
    }

    /// After a write failed, tries one that changes nothing. While writes work it writes nothing.
    async fn check_writes(&self) -> Result<(), DatabaseError> {
        let failing = || self.writes.failing.load(Ordering::Relaxed);
        if !failing() {
            return Ok(());
        }
        let _trying = self.writes.trying.lock().await;
        if failing() {
            let tried = self.try_to_write().await;
            tried.map_err(DatabaseError::during("write to the database"))?;
            self.writes.failing.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// On a connection of its own, which waits less, and which no request waits for.
    async fn try_to_write(&self) -> sqlx::Result<()> {
        let options = self.pool.connect_options().as_ref().clone();
        let options = options.busy_timeout(TRIAL_PATIENCE);
        let mut connection = options.connect().await?;
        let tried = sqlx::raw_sql(TRIAL).execute(&mut connection).await;
        // It also rolls back.
        let closed = connection.close().await;
        tried.and(closed)
    }
}

#[async_trait]
impl Database for SqliteFile {
    async fn probe(&self) -> Result<(), DatabaseError> {
        self.check_writes().await?;
        let mut db = self.read().await?;
        sqlx::query("SELECT 1 FROM goats LIMIT 1")
            .fetch_optional(&mut *db)
            .await
            .map_err(DatabaseError::during("read from the database"))?;
        Ok(())
    }

    fn records(&self) -> Arc<dyn IdempotencyStore> {
        Arc::new(self.store.clone())
    }

    fn write_failed(&self) {
        self.writes.failing.store(true, Ordering::Relaxed);
    }

    /// Leaves nothing beside the file.
    async fn close(&self) {
        self.store.close();
        let options = self.pool.connect_options();
        self.pool.close().await;
        let last = options.as_ref().clone();
        let last = last.journal_mode(SqliteJournalMode::Delete);
        if timeout(PATIENCE, close_last(&last)).await.is_err() {
            tracing::warn!("the database is still in use; its next start tidies up");
        }
    }
}

async fn create_tables(pool: &SqlitePool) -> Result<(), FileError> {
    let begun = pool.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(DatabaseError::during("begin a transaction"))?;
    schema::bring_up(&mut transaction).await?;
    let committed = transaction.commit().await;
    Ok(committed.map_err(DatabaseError::during("commit a transaction"))?)
}

/// Commits, or leaves that to the end of the request whose record is committed with it.
async fn commit(transaction: SqliteTransaction) -> Result<(), DatabaseError> {
    let committed = transaction.commit_with_response().await;
    committed.map_err(DatabaseError::during("commit a transaction"))
}

/// SQLite's primary result code, if SQLite failed.
fn result_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    // The extended code says more in its higher bits.
    code.parse().ok().map(|code: i32| code & 0xFF)
}

/// Whether another connection has the file, which it will not have for long.
fn is_locked(error: &sqlx::Error) -> bool {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    matches!(result_code(error), Some(BUSY | LOCKED))
}

/// Closes the file as the last to have it open, for that one writes the log of writes back.
///
/// A connection that was not given back, since the runtime of its task ended first, closes in a
/// thread of its own. Until then the file is locked.
async fn close_last(options: &SqliteConnectOptions) {
    loop {
        match options.connect().await {
            Ok(connection) => {
                if let Err(error) = connection.close().await {
                    tracing::warn!(%error, "the database did not close cleanly");
                }
                return;
            }
            Err(error) if is_locked(&error) => sleep(Duration::from_millis(10)).await,
            Err(error) => {
                tracing::warn!(%error, "the database was not tidied up; its next start does it");
                return;
            }
        }
    }
}

/// Whether the transaction that a connection had has ended, so that it can have another.
///
/// It has not if `COMMIT` failed and SQLite rolled back by itself, as it does on a full disk: sqlx goes on
/// counting that transaction, whose `ROLLBACK` fails as well. Such a connection is closed.
async fn has_ended(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // What was dropped is rolled back by then.
    connection.ping().await?;
    let ended = !connection.is_in_transaction();
    if !ended {
        tracing::warn!("a connection whose transaction did not end is closed");
    }
    Ok(ended)
}

/// Refuses a file that is not the market's before anything is changed in it.
async fn check(path: &Path, options: &SqliteConnectOptions) -> Result<(), FileError> {
    if schema::is_something_else(path) {
        return Err(FileError::NotADatabase);
    }
    let connection = options.connect().await;
    let mut connection = connection.map_err(DatabaseError::during("open the database"))?;
    let found = match schema::is_in_memory(&mut connection).await {
        Ok(true) => Err(FileError::Memory),
        Ok(false) => schema::examine(&mut connection).await,
        Err(error) => Err(error),
    };
    let closed = connection.close().await;
    found?;
    Ok(closed.map_err(DatabaseError::during("close the database"))?)
}

/// SQLite has one writer at a time; more connections only serve readers beside it.
const CONNECTIONS: u32 = 8;

/// How long a request waits for a connection, and then for its turn to write.
///
/// Both together stay below the default lease: a request that waits must not outlive its key.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a trial of writing waits for its turn.
const TRIAL_PATIENCE: Duration = Duration::from_secs(1);

/// As much as an order of many items takes, so that little room is not taken for enough.
const TRIAL: &str = "BEGIN IMMEDIATE; \
    CREATE TABLE IF NOT EXISTS write_trial (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT; \
    INSERT OR REPLACE INTO write_trial VALUES (0, zeroblob(65536)); \
    COMMIT";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Goats;
    use crate::market::goat::{Breed, Goat, GoatId};

    const LEASE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn closing_waits_for_a_connection_that_was_not_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("goats.db");
        let log = directory.path().join("goats.db-wal");
        let database = SqliteFile::open(&path, LEASE).await.unwrap();
        let options = database.pool.connect_options();
        let left = options.connect().await.unwrap();
        let mut closing = Box::pin(database.close());
        let early = timeout(Duration::from_millis(50), &mut closing).await;
        assert!(early.is_err() && log.exists());
        left.close().await.unwrap();
        closing.await;
        assert!(!log.exists());
    }

    fn heidi() -> Goat {
        Goat {
            id: GoatId::generate(),
            name: "Heidi".to_owned(),
            owner: "Peter".to_owned(),
            breed: Breed::named("Nubian").unwrap(),
        }
    }

    async fn opened() -> (tempfile::TempDir, SqliteFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("goats.db");
        let database = SqliteFile::open(&path, LEASE).await.unwrap();
        (directory, database)
    }

    #[tokio::test]
    async fn a_statement_that_finds_no_room_leaves_a_pool_that_works() {
        let (_directory, database) = opened().await;
        let mut only = database.pool.acquire().await.unwrap();
        // SQLite raises it to what the file has already.
        sqlx::raw_sql("PRAGMA max_page_count = 1")
            .execute(&mut *only)
            .await
            .unwrap();
        drop(only);
        let mut goats = 0;
        let full = loop {
            match database.add_goat(&heidi(), None).await {
                Ok(()) => goats += 1,
                Err(full) => break full,
            }
        };
        assert_eq!(full.to_string(), "could not save a goat");
        // The limit went with its connection.
        database.probe().await.unwrap();
        database.add_goat(&heidi(), None).await.unwrap();
        assert_eq!(database.goats().await.unwrap().len(), goats + 1);
    }

    #[tokio::test]
    async fn a_write_that_is_dropped_at_any_moment_leaves_a_pool_that_works() {
        let (_directory, database) = opened().await;
        for microseconds in (0..3000).step_by(30) {
            let limit = Duration::from_micros(microseconds);
            let _ = timeout(limit, database.add_goat(&heidi(), None)).await;
        }
        let before = database.goats().await.unwrap().len();
        let all = (0..2 * CONNECTIONS).map(|_| async { database.add_goat(&heidi(), None).await });
        let all = futures_util::future::join_all(all).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        assert_eq!(database.goats().await.unwrap().len(), before + all.len());
    }
}
