//! The market's tables in an SQLite file.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use idem_core::{CurrentExecution, Policy};
use idem_sqlx::{SqliteBuilder, SqliteStore, SqliteTransaction};
use sqlx::{AssertSqlSafe, SqlitePool, sqlite::SqlitePoolOptions};

use crate::{
    file::File,
    market::{Client, Market},
    serving::{BOTH, Framework},
};

pub(crate) const HAS_ONE_WRITER: bool = true;

pub(crate) type Store = SqliteStore;
pub(crate) type Transaction = SqliteTransaction;

/// What a store needs: its file.
pub(crate) type Kept = File;

/// A store of its own.
pub(crate) async fn a_store() -> (Store, Kept) {
    let file = File::new();
    // A hundred duplicates come at once.
    let store = file.builder().readers(8).prepare().await.unwrap();
    (store, file)
}

pub(crate) async fn everywhere<F: Future<Output = ()>>(
    policy: impl Fn() -> Policy,
    test: impl Fn(Client) -> F,
) {
    for framework in BOTH {
        test(Setup::new(framework).policy(policy()).start().await).await;
    }
}

/// SQLite has one isolation level.
pub(crate) use everywhere as on_both;

/// How a market is set up.
pub(crate) struct Setup {
    framework: Framework,
    policy: Policy,
    connections: u32,
    store: fn(SqliteBuilder) -> SqliteBuilder,
    commits: Arc<AtomicBool>,
}

impl Setup {
    pub(crate) fn new(framework: Framework) -> Self {
        Self {
            framework,
            policy: Policy::reference(),
            connections: 4,
            store: |builder| builder,
            commits: Arc::default(),
        }
    }

    /// Lets each COMMIT that is held up go on once this is set.
    pub(crate) fn with_commits(mut self, go: &Arc<AtomicBool>) -> Self {
        self.commits = Arc::clone(go);
        self
    }

    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    pub(crate) fn with_pools_of_one(mut self) -> Self {
        self.connections = 1;
        self.store = |builder| builder.readers(1);
        self
    }

    /// Lets nobody give up, however slow the machine is.
    pub(crate) fn with_patience(mut self) -> Self {
        let policy = self.policy.lease(Duration::from_secs(60));
        self.policy = policy.store_timeout(Duration::from_secs(40));
        self.store = |builder| builder.call_timeout(Duration::from_secs(19));
        self
    }

    pub(crate) fn with_busy_sweeper(mut self) -> Self {
        self.store = |builder| builder.sweep_every(Duration::from_millis(5));
        self
    }

    pub(crate) async fn start(self) -> Client {
        let (file, other) = (File::new(), File::new());
        file.run(
            "CREATE TABLE parents (id INTEGER PRIMARY KEY);
             CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL,
                parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
             CREATE TABLE once (id INTEGER PRIMARY KEY);
             INSERT INTO once VALUES (1)",
        )
        .await;
        let options = file.pool.connect_options();
        let pool: SqlitePool = SqlitePoolOptions::new()
            .max_connections(self.connections)
            .connect_lazy_with((*options).clone());
        let store = (self.store)(SqliteStore::builder(&pool)).prepare().await;
        let stores = (store.unwrap(), other.store().await);
        let place = Place {
            file,
            commits: self.commits,
            _other: other,
        };
        let market = Market::new(place, stores.0, stores.1);
        Client::of(self.framework, market, self.policy).await
    }
}

pub(crate) struct Place {
    pub(crate) file: File,
    commits: Arc<AtomicBool>,
    _other: File,
}

impl Place {
    pub(crate) async fn begin(
        &self,
        store: &Store,
        current: Option<&CurrentExecution>,
    ) -> Result<Transaction, sqlx::Error> {
        store.begin(current).await
    }

    /// SQLite rolls the transaction back by itself.
    pub(crate) fn failing(&self) -> String {
        "INSERT OR ROLLBACK INTO once VALUES (1)".into()
    }

    /// Holds the COMMIT up: `commits late`, or `fails late`.
    pub(crate) async fn within(&self, tx: &mut Transaction, what: &str) -> Result<(), sqlx::Error> {
        crate::doubt::hold_commit(tx, &self.commits, what == "commits late").await
    }

    pub(crate) fn named(&self, table: &str) -> String {
        match table {
            "records" => "idem_records".into(),
            own => own.into(),
        }
    }

    /// Counts the rows of a table, with a condition behind its name.
    pub(crate) async fn count(&self, rows: &str) -> i64 {
        let (table, condition) = rows.split_once(' ').unwrap_or((rows, ""));
        let sql = format!("SELECT count(*) FROM {} {condition}", self.named(table));
        let asking = sqlx::query_scalar(AssertSqlSafe(sql));
        asking.fetch_one(&self.file.pool).await.unwrap()
    }

    /// Puts another owner's lease in the place of every one that is pending, as after a takeover.
    pub(crate) async fn take_over_all(&self) {
        self.file
            .run(
                "UPDATE idem_records SET owner = x'000102030405060708090a0b0c0d0e0f'
                 WHERE NOT completed",
            )
            .await;
    }
}
