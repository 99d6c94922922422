//! What can be set of the store, and how it is made.

use std::{fmt, time::Duration};

use sqlx::{PgPool, postgres::PgConnectOptions};

use super::{
    connection::{OpenPostgres, Pooler},
    prepare,
    statements::Statements,
    store::{Inner, PostgresStore},
};
use crate::{
    PrepareError, Tables, connections::Connections, settings, settings::Settings, sweeper::Sweeper,
};

/// Sets up a [`PostgresStore`].
#[derive(Clone)]
#[must_use]
pub struct PostgresBuilder {
    pool: PgPool,
    options: PgConnectOptions,
    tables: Tables,
    settings: Settings,
    connections: usize,
    pooler: Pooler,
    effects_are_here: bool,
}

impl PostgresBuilder {
    pub(super) fn new(pool: &PgPool) -> Self {
        Self {
            options: (*pool.connect_options()).clone(),
            pool: pool.clone(),
            tables: Tables::default(),
            settings: Settings::new(Duration::from_secs(1)),
            connections: 4,
            pooler: Pooler::None,
            effects_are_here: false,
        }
    }

    /// Names the tables: `idem_records`, `idem_renewals` and `idem_schema` unless set.
    pub fn tables(mut self, tables: Tables) -> Self {
        self.tables = tables;
        self
    }

    /// Sets how many connections of its own the store opens at most: 4 unless set. Each is busy for one
    /// round trip an operation, and an execution takes two operations or more.
    pub const fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Opens the store's own connections by these options instead of the pool's: with another role, or
    /// past a pooler. They must lead to the same database, which the start-up check verifies.
    pub fn connect_options(mut self, options: PgConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Bounds each call of the store: 900 ms unless set.
    ///
    /// It must be shorter than the policy gives a call, which is half of its `store_timeout` (1 s) and a
    /// third of the lease. Half of it is for getting a connection, and after the other half the database
    /// stops a statement, so that a claim that was given up is not granted afterwards.
    pub const fn call_timeout(mut self, timeout: Duration) -> Self {
        self.settings.call_timeout = timeout;
        self
    }

    /// Says that pgbouncer, or another pooler that lends a server's connection for one transaction, stands
    /// in between. Each operation is a transaction then, whose settings are its own, with statements
    /// without names: 4 round trips instead of 1. Better where it can be had: past the pooler
    /// by [`connect_options`](Self::connect_options).
    pub const fn behind_transaction_pooler(mut self) -> Self {
        self.pooler = Pooler::Transaction;
        self
    }

    /// Promises that **every** effect of the protected handlers is in this database, and lets
    /// claims and renewals commit asynchronously for it: one flush to disk less for each fresh request.
    ///
    /// A database that crashes then may forget a claim of its last moments. That does no harm if it forgets the
    /// claim's effects with it, which is so only if they are in its own log. An e-mail, a payment or a
    /// row elsewhere is not: its request would run again at once, and not after a lease. Completions and
    /// releases are always synchronous. Never the default.
    ///
    /// It does not go together with [`OnLeaseEnd::Refuse`](idem_core::OnLeaseEnd::Refuse), under which only
    /// an operator may end a lease, and no crash: the claims and renewals of such a policy
    /// ([`Lease::is_durable`](idem_core::store::Lease::is_durable)) are synchronous all the same.
    pub const fn every_effect_is_in_this_database(mut self) -> Self {
        self.effects_are_here = true;
        self
    }

    /// Sets how often expired records are swept, one batch of at most 1,000 at a time: every 1 to 1.5
    /// times this interval, which is a second unless set, and ten times more seldom while there is
    /// less than a batch. The task ends with the store's last clone.
    pub const fn sweep_every(mut self, interval: Duration) -> Self {
        self.settings.sweep = Some(interval);
        self
    }

    /// Starts no task that sweeps. Call [`PostgresStore::sweep`], or delete expired rows otherwise.
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

    /// Creates the tables unless they are there, and then does what [`check`](Self::check) does. Any
    /// number of processes may do so at once. The role must be allowed to create tables, unless they are there.
    ///
    /// # Errors
    /// See [`PrepareError`].
    ///
    /// # Cancel safety
    /// Safe: call it again.
    pub async fn prepare(self) -> Result<PostgresStore, PrepareError> {
        prepare::create(&self.options, &self.tables).await?;
        self.check().await
    }

    /// Checks that the tables are there in the right version, that the database takes writes, that the
    /// roles have their privileges, and that the pool sees the same tables; and gives the store.
    /// It waits for a connection of the pool.
    ///
    /// # Errors
    /// See [`PrepareError`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn check(self) -> Result<PostgresStore, PrepareError> {
        self.settings.check()?;
        let place = prepare::check(&self.options, &self.tables, &self.pool).await?;
        let named = self.pooler == Pooler::None;
        let open = OpenPostgres::new(self.options, self.pooler, &self.settings);
        let found = self.tables.found_in(&place.schema);
        let inner = Inner::new(
            self.pool,
            Connections::new(open, self.connections),
            Statements::new(&self.tables, &found, self.effects_are_here, named),
            self.settings.clone(),
            place.identity,
        );
        let sweep = self.settings.sweep;
        let sweeper = sweep.map(|interval| Sweeper::start(&inner, interval));
        Ok(PostgresStore::new(inner, sweeper))
    }
}

impl fmt::Debug for PostgresBuilder {
    /// Without the connect options, which hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("tables", &self.tables)
            .field("settings", &self.settings)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
