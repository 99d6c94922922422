//! A database that no other server has, in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use goat_api::database::Database;
use goat_api::database::postgres::PostgresDatabase;
use goat_api::web::GoatMarket;
use idem_core::{Idempotency, Policy};

use crate::server::fresh_database;

pub(crate) struct Fresh(PostgresDatabase);

pub(crate) async fn fresh() -> Fresh {
    let database = PostgresDatabase::open(&fresh_database().await, Duration::from_secs(30)).await;
    Fresh(database.expect("the database opens"))
}

impl Fresh {
    pub(crate) fn database(&self) -> Arc<dyn Database> {
        Arc::new(self.0.clone())
    }
    /// Puts a market on it under idempotency, with the records in the same database.
    #[expect(clippy::unused_self, reason = "elsewhere the records are apart")]
    pub(crate) fn protect(&self, market: GoatMarket, policy: Policy) -> (GoatMarket, Idempotency) {
        market.exactly_once(policy)
    }
}
