//! The market's tables in PostgreSQL, in a schema of its own, and its transactions at one isolation level.

use idem_core::{CurrentExecution, Policy};
use idem_sqlx::{PostgresBuilder, PostgresStore, PostgresTransaction};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

use crate::{
    market::{Client, Market},
    server::{LEVELS, options, pool, run, tables_of_its_own, terminate},
    serving::{BOTH, Framework},
};

pub(crate) const HAS_ONE_WRITER: bool = false;

pub(crate) type Store = PostgresStore;
pub(crate) type Transaction = PostgresTransaction;

/// What a store needs: nothing beside the server.
pub(crate) type Kept = ();

/// A store of its own.
pub(crate) async fn a_store() -> (Store, Kept) {
    (crate::server::builder().await.prepare().await.unwrap(), ())
}

pub(crate) async fn everywhere<F: Future<Output = ()>>(
    policy: impl Fn() -> Policy,
    test: impl Fn(Client) -> F,
) {
    for level in LEVELS {
        for framework in BOTH {
            let setup = Setup::new(framework).at(level).policy(policy());
            test(setup.start().await).await;
        }
    }
}

pub(crate) async fn on_both<F: Future<Output = ()>>(
    policy: impl Fn() -> Policy,
    test: impl Fn(Client) -> F,
) {
    for framework in BOTH {
        test(Setup::new(framework).policy(policy()).start().await).await;
    }
}

/// How a market is set up.
pub(crate) struct Setup {
    pub(crate) framework: Framework,
    pub(crate) level: &'static str,
    pub(crate) policy: Policy,
    pub(crate) pool: PgPool,
    pub(crate) store: fn(PostgresBuilder) -> PostgresBuilder,
}

impl Setup {
    pub(crate) fn new(framework: Framework) -> Self {
        Self {
            framework,
            level: LEVELS[0],
            policy: Policy::reference(),
            pool: pool_of(8),
            store: |builder| builder,
        }
    }

    pub(crate) fn at(mut self, level: &'static str) -> Self {
        self.level = level;
        self
    }

    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    pub(crate) fn with_pools_of_one(mut self) -> Self {
        self.pool = pool_of(1);
        self.store = |builder| builder.connections(1);
        self
    }

    pub(crate) fn with_busy_sweeper(mut self) -> Self {
        self.store = |builder| builder.sweep_every(std::time::Duration::from_millis(5));
        self
    }

    pub(crate) async fn start(self) -> Client {
        let tables = tables_of_its_own().await;
        let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
        let schema = sql.split('"').nth(1).unwrap().to_owned();
        run(&format!(
            "CREATE TABLE {schema}.parents (id bigint PRIMARY KEY);
             CREATE TABLE {schema}.orders (id bigserial PRIMARY KEY, item text NOT NULL,
                 parent bigint REFERENCES {schema}.parents DEFERRABLE INITIALLY DEFERRED)"
        ))
        .await;
        let builder = PostgresStore::builder(&self.pool).tables(tables);
        let store = (self.store)(builder).prepare().await.unwrap();
        let other = crate::server::builder().await.prepare().await.unwrap();
        let level = self.level;
        let market = Market::new(Place { schema, level }, store, other);
        Client::of(self.framework, market, self.policy).await
    }
}

fn pool_of(most: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .connect_lazy_with(options())
}

pub(crate) struct Place {
    pub(crate) schema: String,
    level: &'static str,
}

impl Place {
    pub(crate) async fn begin(
        &self,
        store: &Store,
        current: Option<&CurrentExecution>,
    ) -> Result<Transaction, sqlx::Error> {
        store.begin_with(current, self.level).await
    }

    pub(crate) fn failing(&self) -> String {
        "SELECT 1 / 0".into()
    }

    /// Lets the server close the transaction's connection.
    pub(crate) async fn within(&self, tx: &mut Transaction, what: &str) -> Result<(), sqlx::Error> {
        assert_eq!(what, "terminated");
        let asking = sqlx::query_scalar("SELECT pg_backend_pid()");
        let pid: i32 = asking.fetch_one(&mut **tx).await?;
        terminate(&format!("pid = {pid}")).await;
        Ok(())
    }

    pub(crate) fn named(&self, table: &str) -> String {
        match table {
            "records" | "renewals" => format!("{}.\"Kept_{table}\"", self.schema),
            own => format!("{}.{own}", self.schema),
        }
    }

    /// Counts the rows of a table, with a condition behind its name.
    pub(crate) async fn count(&self, rows: &str) -> i64 {
        let (table, condition) = rows.split_once(' ').unwrap_or((rows, ""));
        let sql = format!("SELECT count(*) FROM {} {condition}", self.named(table));
        let asking = sqlx::query_scalar(AssertSqlSafe(sql));
        asking.fetch_one(&pool()).await.unwrap()
    }

    /// Puts another owner's lease in the place of every one that is pending, as after a takeover.
    pub(crate) async fn take_over_all(&self) {
        run(&format!(
            "UPDATE {} SET owner = '\\x000102030405060708090a0b0c0d0e0f' WHERE NOT completed",
            self.named("records")
        ))
        .await;
    }

    /// Lets every pending lease be over, though nobody takes it.
    pub(crate) async fn let_lapse(&self) {
        run(&format!(
            "INSERT INTO {} SELECT key, owner, until, now() - interval '1 s'
             FROM {} WHERE NOT completed",
            self.named("renewals"),
            self.named("records")
        ))
        .await;
    }
}
