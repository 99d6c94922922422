//! A database that no other server has, in SQLite, and an empty store in Redis.

use std::sync::Arc;
use std::time::Duration;

use goat_api::database::Database;
use goat_api::database::sqlite::SqliteFile;
use goat_api::web::GoatMarket;
use idem_core::{Idempotency, Policy};
use idem_redis::RedisStore;
use tempfile::TempDir;

use crate::server::fresh_store;

pub(crate) struct Fresh {
    file: SqliteFile,
    records: RedisStore,
    _directory: TempDir,
}

pub(crate) async fn fresh() -> Fresh {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("goats.db");
    let file = SqliteFile::open(&path, Duration::from_secs(30)).await;
    Fresh {
        file: file.expect("the database opens"),
        records: fresh_store().await,
        _directory: directory,
    }
}

impl Fresh {
    pub(crate) fn database(&self) -> Arc<dyn Database> {
        Arc::new(self.file.clone())
    }

    /// Puts a market on it under idempotency, with the records in Redis.
    pub(crate) fn protect(&self, market: GoatMarket, policy: Policy) -> (GoatMarket, Idempotency) {
        (market, Idempotency::new(self.records.clone(), policy))
    }
}
