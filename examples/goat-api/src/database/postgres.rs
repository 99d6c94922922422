//! The market in a PostgreSQL database, which any number of processes share.

mod catalog;
mod goats;
mod orders;
mod schema;
mod text;
mod url;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use idem_core::{CurrentExecution, IdempotencyStore};
use idem_sqlx::{PostgresStore, PostgresTransaction};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, PgPool};
use tokio::time::timeout;

use crate::database::{Database, DatabaseError, call_timeout};
pub use schema::PostgresError;
pub use url::shown;

/// A pool of connections to the market's database, and the idempotency records in it; clones share them.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    pool: PgPool,
    store: PostgresStore,
}

/// How many requests are in the database at once, in one process.
const CONNECTIONS: u32 = 8;

/// How long an operation may take, with the wait for a connection. It stays below the default lease.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long a connection of the pool is waited for.
const ACQUIRE_PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may take to open when it is opened to see whether it can be.
const TRIAL_PATIENCE: Duration = Duration::from_secs(1);

impl PostgresDatabase {
    /// Opens the database of this URL, and creates the market's tables and those of its records if they are
    /// missing. Any number of processes may do so at once.
    ///
    /// `lease` is the shortest lease of a request whose record is in the database.
    ///
    /// # Errors
    /// The server cannot be reached, or the database is not the market's; then it is left as it is. No
    /// error has the URL's password in it.
    ///
    /// # Cancel safety
    /// Safe: the tables are created in one transaction, and those of the records in another.
    pub async fn open(url: &str, lease: Duration) -> Result<Self, PostgresError> {
        let options = url::parse(url)?.application_name("goat-api");
        let opening = within("open the database", async {
            // The pool would go on trying, and tell nothing but that its time was over.
            let mut connection = options.connect().await?;
            Ok(schema::bring_up(&mut connection).await)
        });
        opening.await??;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_PATIENCE)
            .connect_lazy_with(options);
        let store = PostgresStore::builder(&pool).call_timeout(call_timeout(lease));
        Ok(Self {
            store: store.prepare().await?,
            pool,
        })
    }

    /// Begins a transaction in which the execution's record is written; dropped, it is rolled back.
    async fn begin(&self, current: Option<&CurrentExecution>) -> sqlx::Result<PostgresTransaction> {
        match self.store.begin(current).await {
            Err(sqlx::Error::PoolTimedOut) => Err(self.why_none_was_free().await),
            begun => begun,
        }
    }

    /// A connection to read with.
    async fn read(&self) -> sqlx::Result<sqlx::pool::PoolConnection<sqlx::Postgres>> {
        match self.pool.acquire().await {
            Err(sqlx::Error::PoolTimedOut) => Err(self.why_none_was_free().await),
            acquired => acquired,
        }
    }

    /// Why the pool gave no connection, which it does not tell: it went on trying to open one.
    async fn why_none_was_free(&self) -> sqlx::Error {
        let options = self.pool.connect_options();
        match timeout(TRIAL_PATIENCE, connect(&options)).await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
        }
    }
}

async fn connect(options: &Arc<PgConnectOptions>) -> sqlx::Result<PgConnection> {
    options.as_ref().connect().await
}

/// Bounds an operation in time.
async fn within<T>(
    operation: &'static str,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, DatabaseError> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(DatabaseError::during(operation)),
        Err(elapsed) => Err(DatabaseError::during(operation)(elapsed)),
    }
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn probe(&self) -> Result<(), DatabaseError> {
        let reading = async {
            // It gives up before the readiness check does.
            let mut db = match timeout(TRIAL_PATIENCE, self.pool.acquire()).await {
                Ok(acquired) => acquired?,
                Err(_) => return Err(self.why_none_was_free().await),
            };
            let reading = sqlx::query("SELECT FROM goats LIMIT 1");
            reading.fetch_optional(&mut *db).await
        };
        within("read from the database", reading).await?;
        Ok(())
    }

    fn records(&self) -> Arc<dyn IdempotencyStore> {
        Arc::new(self.store.clone())
    }

    /// A server whose disk is full ends by itself, and then it cannot be read from either.
    fn write_failed(&self) {}

    async fn close(&self) {
        self.store.close();
        if timeout(PATIENCE, self.pool.close()).await.is_err() {
            tracing::warn!(
                "a connection to the database is still in use; the server will notice its end"
            );
        }
    }
}
