//! One server for all tests, a table of effects, and a driver whose connections a relay can cut.

use std::{sync::LazyLock, thread, time::Duration};

use any_driver::{BoxError, ending::Transaction};
use idem_core::{CurrentExecution, IdempotencyStore};
use idem_sqlx::PostgresStore;
use idem_store_tests::{Cut, TransactionalStore};
use sqlx::{PgPool, postgres::PgConnectOptions};
use test_servers::{Postgres, Relay};
use tokio::sync::OnceCell;

use crate::drivers::Driver;

static SERVER: LazyLock<Postgres> = LazyLock::new(|| Postgres::start().unwrap());

pub(crate) fn options() -> PgConnectOptions {
    SERVER.url("postgres").parse().unwrap()
}

pub(crate) struct Effects<D> {
    pub(crate) store: PostgresStore,
    pub(crate) driver: D,
    /// What the driver's connections are called.
    name: String,
    relay: Relay,
    pool: PgPool,
}

impl<D: Driver> Effects<D> {
    pub(crate) async fn new() -> Self {
        Self::named(format!("driver-{:016x}", rand::random::<u64>())).await
    }

    async fn named(name: String) -> Self {
        static ONCE: OnceCell<()> = OnceCell::const_new();
        let pool = PgPool::connect_lazy_with(options());
        let creating = async {
            let creating = sqlx::query("CREATE TABLE effects (name TEXT NOT NULL)");
            creating.execute(&pool).await.unwrap();
        };
        ONCE.get_or_init(|| creating).await;
        let relay = Relay::to(options().get_port()).unwrap();
        let driver = D::new(relay.port(), &name);
        // The store's own connections go past the relay.
        let builder = PostgresStore::builder(&driver.pool()).connect_options(options());
        Self {
            store: builder.prepare().await.unwrap(),
            driver,
            name,
            relay,
            pool,
        }
    }
}

impl<D: Driver> TransactionalStore for Effects<D> {
    type Transaction = Transaction<D::Open>;

    fn store(&self) -> impl IdempotencyStore {
        self.store.clone()
    }

    async fn begin(&self, current: &CurrentExecution) -> Result<Self::Transaction, BoxError> {
        self.driver.begin(&self.store, Some(current)).await
    }

    async fn write(&self, transaction: &mut Self::Transaction, effect: &str) {
        let sql = format!("INSERT INTO effects VALUES ('{effect}')");
        D::execute(transaction, &sql).await.unwrap();
    }

    async fn hand_over(&self, transaction: Self::Transaction) -> Result<(), BoxError> {
        transaction.commit_with_response().await
    }

    async fn count(&self, effect: &str) -> usize {
        let counting = sqlx::query_scalar("SELECT count(*) FROM effects WHERE name = $1");
        let counted: i64 = counting.bind(effect).fetch_one(&self.pool).await.unwrap();
        counted.try_into().unwrap()
    }

    async fn another(&self) -> Self {
        Self::named(self.name.clone()).await
    }

    fn has_one_writer(&self) -> bool {
        false
    }

    async fn fail(&self, transaction: &mut Self::Transaction) -> bool {
        D::execute(transaction, "SELECT 1 / 0").await.is_err()
    }

    fn cut(&self, cut: Cut) -> bool {
        match cut {
            Cut::AnswerLost => self.relay.cut_after_commit(),
            Cut::NeverArrives => self.relay.cut_before_commit(),
            Cut::LandsAfter(time) => {
                let held = self.relay.hold_commit();
                thread::spawn(move || {
                    held.came(Duration::from_secs(60)).unwrap().cut_off();
                    thread::sleep(time);
                    drop(held);
                });
            }
            other => panic!("no such cut is known here: {other:?}"),
        }
        true
    }

    async fn open_transactions(&self) -> Option<usize> {
        let asking = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE application_name = $1 AND state LIKE 'idle in transaction%'",
        );
        let open: i64 = asking.bind(&self.name).fetch_one(&self.pool).await.unwrap();
        Some(open.try_into().unwrap())
    }
}
