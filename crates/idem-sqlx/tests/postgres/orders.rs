//! The orders of a market whose process is killed, on a server of their own.

use std::{sync::Arc, time::Duration};

use idem_sqlx::PostgresStore;
use sqlx::{PgPool, postgres::PgPoolOptions};
use test_servers::Postgres;

pub(crate) struct Orders {
    pub(crate) server: Arc<Postgres>,
}

impl Orders {
    pub(crate) async fn new() -> Self {
        let server = tokio::task::spawn_blocking(|| Postgres::start().unwrap());
        let server = Arc::new(server.await.unwrap());
        let orders = Self { server };
        let sql = "CREATE TABLE orders (id bigserial PRIMARY KEY, item text NOT NULL)";
        let pool = orders.pool().await;
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
        // The market's process would otherwise create the store's tables, and may be killed meanwhile.
        drop(PostgresStore::builder(&pool).prepare().await.unwrap());
        orders
    }

    /// Where they are, for the market's process.
    pub(crate) fn place(&self) -> String {
        self.server.url("postgres")
    }

    /// Their items and numbers.
    pub(crate) async fn all(&self) -> Vec<(String, i64)> {
        let asking = sqlx::query_as("SELECT item, id FROM orders");
        asking.fetch_all(&self.pool().await).await.unwrap()
    }

    async fn pool(&self) -> PgPool {
        PgPool::connect(&self.place()).await.unwrap()
    }
}

/// The store of the market's process.
pub(crate) async fn store_in(place: &str) -> PostgresStore {
    let pool = PgPoolOptions::new()
        .acquire_timeout(Duration::from_secs(1))
        .connect_lazy(place)
        .unwrap();
    PostgresStore::builder(&pool).prepare().await.unwrap()
}
