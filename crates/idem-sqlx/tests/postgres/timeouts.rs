//! What was given up does not land later, and a connection that breaks is not used again.

use std::time::Duration;

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, StoreErrorKind},
};
use idem_sqlx::PostgresStore;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    race::{key, lease},
    server::{options, pool, pool_with, run, tables_of_its_own},
};

const LONG: Duration = Duration::from_secs(60);
const CALL: Duration = Duration::from_millis(400);

async fn store() -> (PostgresStore, String) {
    let tables = tables_of_its_own().await;
    let builder = PostgresStore::builder(&pool()).tables(tables.clone());
    let builder = builder.call_timeout(CALL).without_sweeping();
    let store = builder.prepare().await.unwrap();
    let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
    let schema = sql.split('"').nth(1).unwrap().to_owned();
    (store, format!("{schema}.\"Kept_records\""))
}

/// A transaction that has written a row under the key, as a handler's has that is about to commit.
async fn in_the_way(
    pool: &PgPool,
    table: &str,
    key: &idem_core::RecordKey,
) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut transaction = pool.begin().await.unwrap();
    let sql = format!(
        "INSERT INTO {table} VALUES ('\\x{key}', '\\x00', true, now() + interval '1 h', now(), '\\x00')"
    );
    let inserting = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction);
    inserting.await.unwrap();
    transaction
}

#[tokio::test]
async fn a_claim_that_waits_for_another_transaction_ends_in_time() {
    let (store, table) = store().await;
    let (key, pool) = (key(), pool());
    let handlers = in_the_way(&pool, &table, &key).await;
    let begun = Instant::now();
    let error = store.claim(&key, &lease(LONG)).await.unwrap_err();
    assert!(begun.elapsed() < CALL, "{:?}", begun.elapsed());
    assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error:?}");
    assert!(!error.may_have_landed(), "{error:?}");
    handlers.rollback().await.unwrap();
    assert!(store.look_up(&key).await.unwrap().is_none());
    assert_eq!(store.claim(&key, &lease(LONG)).await.unwrap(), Claim::Owned);
}

#[tokio::test]
async fn a_claim_that_was_given_up_does_not_land_later() {
    let (store, table) = store().await;
    let (key, pool) = (key(), pool());
    let handlers = in_the_way(&pool, &table, &key).await;
    let claim = timeout(CALL / 8, store.claim(&key, &lease(LONG))).await;
    assert!(claim.is_err(), "it waits: {claim:?}");
    sleep(CALL).await;
    handlers.rollback().await.unwrap();
    sleep(CALL / 4).await;
    assert!(store.look_up(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn connections_that_were_killed_are_not_used_again() {
    let named = options().application_name("to be killed");
    let builder = PostgresStore::builder(&pool()).connect_options(named);
    let builder = builder.tables(tables_of_its_own().await).without_sweeping();
    let store = builder.prepare().await.unwrap();
    let (one, two) = (key(), key());
    let (first, second) = (lease(LONG), lease(LONG));
    // Two connections are open then.
    let both = tokio::join!(store.claim(&one, &first), store.claim(&two, &second));
    assert_eq!(
        (both.0.unwrap(), both.1.unwrap()),
        (Claim::Owned, Claim::Owned)
    );
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be killed'").await;
    let error = store.renew(&one, &first).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    assert!(error.may_have_landed(), "{error:?}");
    assert_eq!(store.renew(&one, &first).await.unwrap(), Fenced::Held);
    assert_eq!(store.renew(&two, &second).await.unwrap(), Fenced::Held);
}

#[tokio::test]
async fn a_database_that_commits_asynchronously_does_not_do_so_here() {
    run(
        "CREATE ROLE hasty SUPERUSER LOGIN; ALTER ROLE hasty SET synchronous_commit = off;
         ALTER ROLE hasty SET statement_timeout = '1h'",
    )
    .await;
    let hasty = options().username("hasty").application_name("hasty");
    let (store, table) = {
        let tables = tables_of_its_own().await;
        let builder = PostgresStore::builder(&pool_with(options())).tables(tables.clone());
        let builder = builder
            .connect_options(hasty)
            .connections(1)
            .without_sweeping();
        let store = builder.prepare().await.unwrap();
        let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
        let schema = sql.split('"').nth(1).unwrap().to_owned();
        (store, format!("{schema}.\"Kept_records\""))
    };
    // The table's default tells what is set in the connection that writes.
    run(&format!(
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             NEW.record := convert_to(current_setting('synchronous_commit') || ' '
                 || current_setting('statement_timeout') || ' '
                 || current_setting('transaction_isolation'), 'UTF8');
             RETURN NEW;
         END $$;
         CREATE TRIGGER noting BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION noted()"
    ))
    .await;
    assert_eq!(
        store.claim(&key(), &lease(LONG)).await.unwrap(),
        Claim::Owned
    );
    let sql = format!("SELECT convert_from(record, 'UTF8') FROM {table}");
    let noted = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
    let noted = noted.fetch_one(&pool()).await.unwrap();
    assert_eq!(noted, "on 450ms read committed");
}

// S75
#[tokio::test]
async fn fifty_requests_share_one_connection_of_the_pool_and_one_of_the_store() {
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options());
    // However long the queue is, nobody gives up.
    let builder = PostgresStore::builder(&pool)
        .connections(1)
        .call_timeout(LONG);
    let builder = builder.tables(tables_of_its_own().await);
    let store = builder.prepare().await.unwrap();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (store, pool) = (store.clone(), pool.clone());
        requests.spawn(async move {
            let (key, held) = (key(), lease(LONG));
            assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
            let mut effect = pool.begin().await.unwrap();
            sqlx::raw_sql("SELECT 1")
                .execute(&mut *effect)
                .await
                .unwrap();
            // The record is written while the handler still has the pool's only connection.
            let done = idem_core::store::NotKept::Stream.into();
            let completion = store.complete(&key, &held, &done, LONG).await.unwrap();
            assert_eq!(completion, Fenced::Held);
            effect.commit().await.unwrap();
        });
    }
    assert_eq!(requests.join_all().await.len(), 50);
}
