//! A database that no other test has, in PostgreSQL.

use std::path::{Path, PathBuf};

use crate::server::{fresh_database, run};

pub(crate) struct Place {
    url: String,
    database: PathBuf,
}

impl Place {
    pub(crate) async fn fresh() -> Self {
        let url = fresh_database().await;
        Self {
            database: PathBuf::from(&url),
            url,
        }
    }

    /// What the program is told with `--database`.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// Gives all keys to somebody else, and tells how many there are.
    pub(crate) async fn take_over_its_keys(&self) -> u64 {
        run(
            &self.url,
            "UPDATE idem_records SET owner = decode(repeat('00', length(owner)), 'hex')",
        )
        .await
    }
}
