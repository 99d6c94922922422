//! A database that no other server has, in SQLite, and an empty store in Redis.

use std::sync::Arc;

use goat_api::database::Database;
use goat_api::web::GoatMarket;
use idem_core::{Idempotency, Policy};
use idem_redis::RedisStore;

use crate::server::fresh_store;

#[expect(dead_code, reason = "the records are in Redis here")]
#[path = "../api/fresh.rs"]
mod in_sqlite;

pub(crate) struct Fresh {
    data: in_sqlite::Fresh,
    records: RedisStore,
}

pub(crate) async fn fresh() -> Fresh {
    Fresh {
        data: in_sqlite::fresh().await,
        records: fresh_store().await,
    }
}

impl Fresh {
    pub(crate) fn database(&self) -> Arc<dyn Database> {
        self.data.database()
    }

    /// Puts a market on it under idempotency, with the records in Redis.
    pub(crate) fn protect(&self, market: GoatMarket, policy: Policy) -> (GoatMarket, Idempotency) {
        (market, Idempotency::new(self.records.clone(), policy))
    }
}
