//! A file in a folder of its own, and an application's pool on it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use idem_core::{
    RecordKey,
    store::{Fingerprint, Identity, Lease, OwnerToken},
};
use idem_sqlx::{SqliteBuilder, SqliteStore};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tempfile::TempDir;

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct File {
    pub(crate) folder: TempDir,
    pub(crate) pool: SqlitePool,
}

impl File {
    pub(crate) fn new() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(set: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("market.db"))
            .create_if_missing(true);
        Self {
            folder,
            pool: pool(set(options)),
        }
    }

    /// Where it is, for another process.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("market.db")
    }

    pub(crate) fn builder(&self) -> SqliteBuilder {
        SqliteStore::builder(&self.pool)
    }

    pub(crate) async fn store(&self) -> SqliteStore {
        self.builder().prepare().await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.pool).await.unwrap();
    }

    pub(crate) async fn count(&self) -> i64 {
        let asking = sqlx::query_scalar("SELECT count(*) FROM idem_records");
        asking.fetch_one(&self.pool).await.unwrap()
    }
}

pub(crate) fn pool(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(4)
        .connect_lazy_with(options)
}

/// The store of another process on a file that is there.
pub(crate) async fn store_in(path: impl AsRef<Path>) -> SqliteStore {
    let pool = pool(SqliteConnectOptions::new().filename(path));
    SqliteStore::builder(&pool).prepare().await.unwrap()
}

pub(crate) fn key() -> RecordKey {
    let (one, two) = (OwnerToken::random(), OwnerToken::random());
    let bytes = [*one.as_bytes(), *two.as_bytes()].concat();
    RecordKey::from_bytes(bytes.try_into().unwrap())
}

pub(crate) fn lease(duration: Duration) -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([7; 32])), duration)
}
