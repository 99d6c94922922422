//! SQLite in a file of its own, on the disk of the target folder.

use idem_sqlx::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tokio::runtime::Runtime;

use super::{AnyError, Opened};

pub(super) fn open(runtime: &Runtime) -> Result<Opened, AnyError> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("records.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let store = runtime.block_on(async {
        let pool = SqlitePoolOptions::new().connect_with(options).await?;
        Ok::<_, AnyError>(SqliteStore::builder(&pool).prepare().await?)
    })?;
    Ok(Opened::behind(store, folder))
}
