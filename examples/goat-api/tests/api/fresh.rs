//! A database that no other server has: an SQLite file.

use std::sync::Arc;
use std::time::Duration;

use goat_api::database::Database;
use goat_api::database::sqlite::SqliteFile;
use goat_api::web::GoatMarket;
use idem_core::{Idempotency, Policy};
use tempfile::TempDir;

pub(crate) struct Fresh {
    file: SqliteFile,
    _directory: TempDir,
}

pub(crate) async fn fresh() -> Fresh {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("goats.db");
    let file = SqliteFile::open(&path, Duration::from_secs(30)).await;
    Fresh {
        file: file.expect("the database opens"),
        _directory: directory,
    }
}

impl Fresh {
    pub(crate) fn database(&self) -> Arc<dyn Database> {
        Arc::new(self.file.clone())
    }
    /// Puts a market on it under idempotency, with the records in the same database.
    #[expect(clippy::unused_self, reason = "elsewhere the records are apart")]
    pub(crate) fn protect(&self, market: GoatMarket, policy: Policy) -> (GoatMarket, Idempotency) {
        market.exactly_once(policy)
    }
}
