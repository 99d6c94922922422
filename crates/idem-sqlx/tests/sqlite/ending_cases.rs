//! The rules about transactions that end executions.

use std::sync::Arc;

use idem_core::{CurrentExecution, IdempotencyStore};
use idem_sqlx::{SqliteStore, SqliteTransaction};
use idem_store_tests::{TransactionError, TransactionalStore, ending_tests};

use crate::file::File;

struct Effects {
    file: Arc<File>,
    store: SqliteStore,
}

impl Effects {
    async fn new() -> Self {
        let file = File::new();
        let store = file.store().await;
        file.run("CREATE TABLE effects (name TEXT NOT NULL, number INTEGER)")
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
}

ending_tests! {
    clock: real,
    store: Effects::new().await,
}
