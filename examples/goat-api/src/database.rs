//! The market's SQLite database.

pub mod catalog;
pub mod goats;
pub mod orders;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, Sqlite, SqlitePool, Transaction};
use tokio::time::{sleep, timeout};

/// A pool of connections to the market's file.
#[derive(Debug, Clone)]
pub struct Database {
    pool: SqlitePool,
}

impl Database {
    /// Opens the file, and creates it and its tables if they are missing.
    ///
    /// # Errors
    /// The file cannot be opened, is no SQLite database, or cannot be written.
    ///
    /// # Cancel safety
    /// Safe: the tables are created in one transaction.
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(DatabaseError::during("open the database"))?;
        let database = Self { pool };
        database.create_tables().await?;
        Ok(database)
    }

    /// Begins a transaction that may write; dropped, it is rolled back.
    ///
    /// # Errors
    /// No connection was free, or the file stayed locked, for as long as the pool waits.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, DatabaseError> {
        // A deferred transaction that reads first and writes later is refused at once, whatever
        // the busy timeout, if another one wrote in between.
        self.pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(DatabaseError::during("begin a transaction"))
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// No connection was free for as long as the pool waits.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn read(&self) -> Result<PoolConnection<Sqlite>, DatabaseError> {
        self.pool
            .acquire()
            .await
            .map_err(DatabaseError::during("connect to the database"))
    }

    /// Reads from a table, to see that the file is there and is the market's.
    ///
    /// # Errors
    /// It is not, or no connection was free for as long as the pool waits.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn probe(&self) -> Result<(), DatabaseError> {
        let mut db = self.read().await?;
        sqlx::query("SELECT 1 FROM goats LIMIT 1")
            .fetch_optional(&mut *db)
            .await
            .map_err(DatabaseError::during("read from the database"))?;
        Ok(())
    }

    /// Waits for the connections to be given back, and closes the file, with nothing beside it.
    ///
    /// # Cancel safety
    /// Safe: the pool then stays closed to new work.
    pub async fn close(&self) {
        let options = self.pool.connect_options();
        self.pool.close().await;
        let last = options.as_ref().clone();
        let last = last.journal_mode(SqliteJournalMode::Delete);
        if timeout(PATIENCE, close_last(&last)).await.is_err() {
            tracing::warn!("the database is still in use; its next start tidies up");
        }
    }

    async fn create_tables(&self) -> Result<(), DatabaseError> {
        let mut transaction = self.begin().await?;
        sqlx::raw_sql(include_str!("database/schema.sql"))
            .execute(&mut *transaction)
            .await
            .map_err(DatabaseError::during("create the tables"))?;
        commit(transaction).await
    }
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
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Makes a transaction's writes permanent.
///
/// # Errors
/// Nothing was written, unless the connection broke while it waited for the answer.
///
/// # Cancel safety
/// Not cancel safe: dropped, it may or may not have committed.
pub async fn commit(transaction: Transaction<'static, Sqlite>) -> Result<(), DatabaseError> {
    transaction
        .commit()
        .await
        .map_err(DatabaseError::during("commit a transaction"))
}

/// SQLite has one writer at a time; more connections only serve readers beside it.
const CONNECTIONS: u32 = 8;

/// How long a request waits for a connection, and then for its turn to write.
///
/// Both together stay below the default lease: a request that waits must not outlive its key.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub struct DatabaseError {
    operation: &'static str,
    source: sqlx::Error,
}

impl DatabaseError {
    fn during(operation: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self { operation, source }
    }
}

/// What a row holds is not what was written: somebody else changed it.
fn damaged(cause: impl Into<Box<dyn Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(cause.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn closing_waits_for_a_connection_that_was_not_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("goats.db");
        let log = directory.path().join("goats.db-wal");
        let database = Database::open(&path).await.unwrap();
        let options = database.pool.connect_options();
        let left = options.connect().await.unwrap();
        let mut closing = Box::pin(database.close());
        let early = timeout(Duration::from_millis(50), &mut closing).await;
        assert!(early.is_err() && log.exists());
        left.close().await.unwrap();
        closing.await;
        assert!(!log.exists());
    }
}
