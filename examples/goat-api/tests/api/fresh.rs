//! A database that no other server has: an SQLite file.

use std::sync::Arc;
use std::time::Duration;

use goat_api::database::Database;
use goat_api::database::sqlite::SqliteFile;
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
}
