//! What can be set of the store, and how it is made.

use std::{fmt, time::Duration};

use idem_core::store::StoreIdentity;
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

use super::{
    connection::ByPurpose,
    gate::Gate,
    prepare,
    statements::Statements,
    store::{Inner, SqliteStore},
};
use crate::{PrepareError, Tables, settings, settings::Settings, sweeper::Sweeper};

/// Sets up a [`SqliteStore`].
#[derive(Clone)]
#[must_use]
pub struct SqliteBuilder {
    pool: SqlitePool,
    tables: Tables,
    settings: Settings,
    readers: usize,
}

impl SqliteBuilder {
    pub(super) fn new(pool: &SqlitePool) -> Self {
        Self {
            pool: pool.clone(),
            tables: Tables::default(),
            settings: Settings::new(Duration::from_millis(100)),
            readers: 2,
        }
    }

    /// Names the tables: `idem_records` and `idem_schema` unless set.
    pub fn tables(mut self, tables: Tables) -> Self {
        self.tables = tables;
        self
    }

    /// Sets how many connections read at once: 2 unless set. Two more write, one at a time.
    pub const fn readers(mut self, most: usize) -> Self {
        self.readers = most;
        self
    }

    /// Bounds each call of the store: 900 ms unless set.
    ///
    /// It must be shorter than the policy gives a call, which is half of its `store_timeout` (1 s) and a
    /// third of the lease. Half of it is for the turn to write, and the other half for the lock of
    /// another process, so that a claim that was given up is not granted afterwards.
    pub const fn call_timeout(mut self, timeout: Duration) -> Self {
        self.settings.call_timeout = timeout;
        self
    }

    /// Sets how often expired records are swept, one batch of at most 100 at a time: every 1 to 1.5
    /// times this interval, which is 100 ms unless set, and ten times more seldom while there is
    /// less than a batch. The task ends with the store's last clone.
    pub const fn sweep_every(mut self, interval: Duration) -> Self {
        self.settings.sweep = Some(interval);
        self
    }

    /// Starts no task that sweeps. Call [`SqliteStore::sweep`], or delete expired rows otherwise.
    pub const fn without_sweeping(mut self) -> Self {
        self.settings.sweep = None;
        self
    }

    /// Sets the largest response that is kept: 4 MiB unless set, and 64 MiB at most. A larger one takes longer
    /// to write, for which half of a [call](Self::call_timeout) must be enough.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_record_bytes = bytes.min(settings::MOST_RECORD_BYTES);
        self
    }

    /// Puts the file into WAL mode and creates the tables, unless that is so, and then does what
    /// [`check`](Self::check) does. Any number of processes may do so at once.
    ///
    /// # Errors
    /// See [`PrepareError`].
    ///
    /// # Cancel safety
    /// Safe: call it again.
    pub async fn prepare(self) -> Result<SqliteStore, PrepareError> {
        self.check_settings()?;
        prepare::create(self.options().as_ref(), &self.tables).await?;
        self.check().await
    }

    /// Checks that the database is a file in WAL mode that takes writes, that the tables are there in the
    /// right version, and that the pool has the same file; and gives the store. It waits for a
    /// connection of the pool.
    ///
    /// # Errors
    /// See [`PrepareError`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn check(self) -> Result<SqliteStore, PrepareError> {
        self.check_settings()?;
        let options = self.options();
        let file = prepare::check(&options, &self.tables, &self.pool).await?;
        let connections = ByPurpose::new(
            (*options).clone(),
            Gate::of(&file),
            self.settings.call_timeout,
            self.readers,
        );
        let statements = Statements::new(&self.tables);
        let sweep = self.settings.sweep;
        // Names differ in SQLite only if more than their case does.
        let records = self.tables.named("records").to_ascii_lowercase();
        let identity = StoreIdentity::of_parts([
            b"sqlite",
            file.as_os_str().as_encoded_bytes(),
            records.as_bytes(),
        ]);
        let inner = Inner::new(self.pool, connections, statements, self.settings, identity);
        let sweeper = sweep.map(|interval| Sweeper::start(&inner, interval));
        Ok(SqliteStore::new(inner, sweeper))
    }

    fn check_settings(&self) -> Result<(), PrepareError> {
        match self.tables.schema() {
            Some(_) => Err(PrepareError::Schema),
            None => self.settings.check(),
        }
    }

    fn options(&self) -> std::sync::Arc<SqliteConnectOptions> {
        self.pool.connect_options()
    }
}

impl fmt::Debug for SqliteBuilder {
    /// Without the connect options, which may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBuilder")
            .field("tables", &self.tables)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
