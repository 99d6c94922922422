//! The rules about transactions that end executions.

use std::{sync::Arc, time::Duration};

use idem_core::{CurrentExecution, IdempotencyStore};
use idem_sqlx::{SqliteStore, SqliteTransaction};
use idem_store_tests::{Cut, TransactionError, TransactionalStore, ending_tests};
use sqlx::ConnectOptions;

use crate::file::File;

struct Effects {
    file: Arc<File>,
    store: SqliteStore,
}

impl Effects {
    async fn new() -> Self {
        let file = File::new();
        // A sweep would be taken for a transaction that is open.
        let store = file.builder().without_sweeping().prepare().await.unwrap();
        file.run(
            "CREATE TABLE effects (name TEXT NOT NULL, number INTEGER);
             CREATE TABLE once (id INTEGER PRIMARY KEY);
             INSERT INTO once VALUES (1)",
        )
        .await;
        Self {
            file: Arc::new(file),
            store,
        }
    }
}

impl TransactionalStore for Effects {
    type Transaction = SqliteTransaction;

    fn store(&self) -> impl IdempotencyStore {
        self.store.clone()
    }

    async fn begin(
        &self,
        current: &CurrentExecution,
    ) -> Result<SqliteTransaction, TransactionError> {
        Ok(self.store.begin(Some(current)).await?)
    }

    async fn write(&self, transaction: &mut SqliteTransaction, effect: &str) {
        let writing = sqlx::query("INSERT INTO effects VALUES (?, 1)").bind(effect);
        writing.execute(&mut **transaction).await.unwrap();
    }

    async fn hand_over(&self, transaction: SqliteTransaction) -> Result<(), TransactionError> {
        Ok(transaction.commit_with_response().await?)
    }

    async fn count(&self, effect: &str) -> usize {
        let counting = sqlx::query_scalar("SELECT count(*) FROM effects WHERE name = ?");
        let counted: i64 = counting
            .bind(effect)
            .fetch_one(&self.file.pool)
            .await
            .unwrap();
        counted.try_into().unwrap()
    }

    async fn another(&self) -> Self {
        Self {
            file: Arc::clone(&self.file),
            store: self.file.store().await,
        }
    }

    fn has_one_writer(&self) -> bool {
        true
    }

    async fn fail(&self, transaction: &mut SqliteTransaction) -> bool {
        let failing = sqlx::raw_sql("INSERT OR ROLLBACK INTO once VALUES (1)");
        failing.execute(&mut **transaction).await.is_err()
    }

    /// A COMMIT is a call into this process, and its answer cannot be lost.
    fn cut(&self, _: Cut) -> bool {
        false
    }

    /// The one that may be open has the lock.
    async fn open_transactions(&self) -> Option<usize> {
        let options = (*self.file.pool.connect_options()).clone();
        let mut connection = options.busy_timeout(Duration::ZERO).connect().await.ok()?;
        let begun = sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await;
        Some(usize::from(begun.is_err()))
    }
}

ending_tests! {
    clock: real,
    store: Effects::new().await,
}
