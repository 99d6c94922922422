//! The rules about transactions that end executions, at each isolation level.

use std::thread;

use idem_core::{CurrentExecution, IdempotencyStore};
use idem_sqlx::{PostgresStore, PostgresTransaction, Tables};
use idem_store_tests::{Cut, TransactionError, TransactionalStore};
use sqlx::PgPool;
use test_servers::Relay;
use tokio::sync::OnceCell;

use crate::server::{LEVELS, options, pool_with, run, tables_of_its_own};

struct Effects {
    level: &'static str,
    /// What the application's connections are called, too.
    name: String,
    tables: Tables,
    pool: PgPool,
    store: PostgresStore,
    relay: Relay,
}

impl Effects {
    async fn new(level: usize) -> Self {
        static ONCE: OnceCell<()> = OnceCell::const_new();
        ONCE.get_or_init(|| run("CREATE TABLE effects (name TEXT NOT NULL)"))
            .await;
        let name = format!("effects-{:016x}", rand::random::<u64>());
        Self::on(tables_of_its_own().await, LEVELS[level], name).await
    }

    async fn on(tables: Tables, level: &'static str, name: String) -> Self {
        let relay = Relay::to(options().get_port()).unwrap();
        let relayed = options().port(relay.port()).application_name(&name);
        let pool = pool_with(relayed);
        let builder = PostgresStore::builder(&pool).tables(tables.clone());
        // The store's own connections go past the relay.
        let builder = builder.connect_options(options());
        Self {
            relay,
            level,
            name,
            tables,
            store: builder.prepare().await.unwrap(),
            pool,
        }
    }
}

impl TransactionalStore for Effects {
    type Transaction = PostgresTransaction;

    fn store(&self) -> impl IdempotencyStore {
        self.store.clone()
    }

    async fn begin(
        &self,
        current: &CurrentExecution,
    ) -> Result<PostgresTransaction, TransactionError> {
        Ok(self.store.begin_with(Some(current), self.level).await?)
    }

    async fn write(&self, transaction: &mut PostgresTransaction, effect: &str) {
        let writing = sqlx::query("INSERT INTO effects VALUES ($1)").bind(effect);
        writing.execute(&mut **transaction).await.unwrap();
    }

    async fn hand_over(&self, transaction: PostgresTransaction) -> Result<(), TransactionError> {
        Ok(transaction.commit_with_response().await?)
    }

    async fn count(&self, effect: &str) -> usize {
        let counting = sqlx::query_scalar("SELECT count(*) FROM effects WHERE name = $1");
        let counted: i64 = counting.bind(effect).fetch_one(&self.pool).await.unwrap();
        counted.try_into().unwrap()
    }

    async fn another(&self) -> Self {
        Self::on(self.tables.clone(), self.level, self.name.clone()).await
    }

    fn has_one_writer(&self) -> bool {
        false
    }

    async fn fail(&self, transaction: &mut PostgresTransaction) -> bool {
        let failing = sqlx::query("SELECT 1 / 0");
        failing.execute(&mut **transaction).await.is_err()
    }

    fn cut(&self, cut: Cut) -> bool {
        match cut {
            Cut::AnswerLost => self.relay.cut_after_commit(),
            Cut::NeverArrives => self.relay.cut_before_commit(),
            Cut::LandsAfter(time) => {
                let held = self.relay.hold_commit();
                thread::spawn(move || {
                    held.came().unwrap().cut_off();
                    thread::sleep(time);
                    drop(held);
                });
            }
            _ => return false,
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

mod read_committed {
    idem_store_tests::ending_tests! {
        clock: real,
        store: super::Effects::new(0).await,
    }
}

mod repeatable_read {
    idem_store_tests::ending_tests! {
        clock: real,
        store: super::Effects::new(1).await,
    }
}

mod serializable {
    idem_store_tests::ending_tests! {
        clock: real,
        store: super::Effects::new(2).await,
    }
}
