//! What a transaction leaves on its connection when a handler goes wrong.

use std::time::Duration;

use idem_sqlx::PostgresStore;
use sqlx::{PgPool, Row, postgres::PgPoolOptions};
use tokio::time::timeout;

use crate::server::{options, tables_of_its_own};

/// A pool of one connection, and a store beside it.
async fn one_connection() -> (PgPool, PostgresStore) {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options());
    let builder = PostgresStore::builder(&pool).tables(tables_of_its_own().await);
    let store = builder.prepare().await.unwrap();
    (pool, store)
}

/// In a transaction `now()` is the time of its BEGIN; a simple query of its own begins when it is sent.
async fn is_in_a_transaction(pool: &PgPool) -> bool {
    let asking = sqlx::raw_sql("SELECT now() <> statement_timestamp() AS inside");
    asking.fetch_one(pool).await.unwrap().get("inside")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_begin_that_is_given_up_at_any_moment_leaves_no_open_transaction() {
    let (pool, store) = one_connection().await;
    let mut given_up = 0;
    for microseconds in (0..4_000).step_by(10) {
        let patience = Duration::from_micros(microseconds);
        match timeout(patience, store.begin(None)).await {
            Ok(begun) => begun.unwrap().rollback().await.unwrap(),
            Err(_) => given_up += 1,
        }
        assert!(!is_in_a_transaction(&pool).await, "after {patience:?}");
    }
    assert!(given_up > 0, "a BEGIN takes longer than no time");
}

#[tokio::test]
async fn a_transaction_that_its_handler_rolled_back_is_not_committed_without_a_key() {
    let (pool, store) = one_connection().await;
    let mut transaction = store.begin(None).await.unwrap();
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let refused = transaction.commit_with_response().await.unwrap_err();
    assert!(
        refused.to_string().contains("rolled the transaction back"),
        "{refused}"
    );
    assert!(!is_in_a_transaction(&pool).await);
}
