//! The market in an SQLite file.

mod catalog;
mod goats;
mod orders;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::time::{sleep, timeout};

use crate::database::{Database, DatabaseError};
use crate::market::catalog::CatalogItem;
use crate::market::goat::{Goat, GoatId};
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId};
use crate::market::price::Price;

/// A pool of connections to the market's file; clones share it.
#[derive(Debug, Clone)]
pub struct SqliteFile {
    pool: SqlitePool,
}

impl SqliteFile {
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
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, DatabaseError> {
        // A deferred transaction that reads first and writes later is refused at once, whatever
        // the busy timeout, if another one wrote in between.
        self.pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(DatabaseError::during("begin a transaction"))
    }

    /// A connection to read with.
    async fn read(&self) -> Result<PoolConnection<Sqlite>, DatabaseError> {
        self.pool
            .acquire()
            .await
            .map_err(DatabaseError::during("connect to the database"))
    }

    async fn create_tables(&self) -> Result<(), DatabaseError> {
        let mut transaction = self.begin().await?;
        sqlx::raw_sql(include_str!("sqlite/schema.sql"))
            .execute(&mut *transaction)
            .await
            .map_err(DatabaseError::during("create the tables"))?;
        commit(transaction).await
    }
}

#[async_trait]
impl Database for SqliteFile {
    async fn add_goat(&self, goat: &Goat) -> Result<(), DatabaseError> {
        let mut transaction = self.begin().await?;
        goats::insert(&mut transaction, goat).await?;
        commit(transaction).await
    }

    async fn goats(&self) -> Result<Vec<Goat>, DatabaseError> {
        let mut db = self.read().await?;
        goats::all(&mut db).await
    }

    async fn offer(&self, goat: GoatId, item: &CatalogItem) -> Result<bool, DatabaseError> {
        let mut transaction = self.begin().await?;
        if !goats::exists(&mut transaction, goat).await? {
            return Ok(false);
        }
        catalog::put(&mut transaction, goat, item).await?;
        commit(transaction).await?;
        Ok(true)
    }

    async fn catalog(&self, goat: GoatId) -> Result<Option<Vec<CatalogItem>>, DatabaseError> {
        let mut db = self.read().await?;
        if !goats::exists(&mut db, goat).await? {
            return Ok(None);
        }
        catalog::of(&mut db, goat).await.map(Some)
    }

    async fn place(&self, order: NewOrder) -> Result<Result<OrderId, Invalid>, DatabaseError> {
        let mut transaction = self.begin().await?;
        let prices = match prices(&mut transaction, &order).await? {
            Ok(prices) => prices,
            Err(unavailable) => return Ok(Err(unavailable)),
        };
        let order = order.priced(&prices, SystemTime::now());
        orders::insert(&mut transaction, &order).await?;
        commit(transaction).await?;
        Ok(Ok(order.id))
    }

    async fn orders(&self) -> Result<Vec<Order>, DatabaseError> {
        let mut db = self.read().await?;
        orders::all(&mut db).await
    }

    async fn find_order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError> {
        let mut db = self.read().await?;
        orders::find(&mut db, id).await
    }

    async fn probe(&self) -> Result<(), DatabaseError> {
        let mut db = self.read().await?;
        sqlx::query("SELECT 1 FROM goats LIMIT 1")
            .fetch_optional(&mut *db)
            .await
            .map_err(DatabaseError::during("read from the database"))?;
        Ok(())
    }

    /// Leaves nothing beside the file.
    async fn close(&self) {
        let options = self.pool.connect_options();
        self.pool.close().await;
        let last = options.as_ref().clone();
        let last = last.journal_mode(SqliteJournalMode::Delete);
        if timeout(PATIENCE, close_last(&last)).await.is_err() {
            tracing::warn!("the database is still in use; its next start tidies up");
        }
    }
}

async fn prices(
    db: &mut SqliteConnection,
    order: &NewOrder,
) -> Result<Result<Vec<Price>, Invalid>, DatabaseError> {
    let mut prices = Vec::with_capacity(order.items().len());
    for (index, item) in order.items().iter().enumerate() {
        match catalog::price(db, item.goat_id, &item.catalog_item).await? {
            Some(price) => prices.push(price),
            None => return Ok(Err(item.unavailable(index))),
        }
    }
    Ok(Ok(prices))
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

async fn commit(transaction: Transaction<'static, Sqlite>) -> Result<(), DatabaseError> {
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
        let database = SqliteFile::open(&path).await.unwrap();
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
