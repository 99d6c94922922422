//! A database that no other test has: an SQLite file.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::operator::connect;

pub(crate) struct Place {
    file: PathBuf,
    _directory: TempDir,
}

impl Place {
    #[expect(clippy::unused_async, reason = "other databases are waited for")]
    pub(crate) async fn fresh() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            file: directory.path().join("goats.db"),
            _directory: directory,
        }
    }

    /// What the program is told with `--database`.
    pub(crate) fn database(&self) -> &Path {
        &self.file
    }

    /// Gives all keys to somebody else, and tells how many there are.
    pub(crate) async fn take_over_its_keys(&self) -> u64 {
        let mut other = connect(&self.file).await;
        let taking_over = sqlx::query("UPDATE idem_records SET owner = zeroblob(length(owner))");
        taking_over
            .execute(&mut other)
            .await
            .unwrap()
            .rows_affected()
    }
}
