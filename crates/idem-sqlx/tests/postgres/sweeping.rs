//! What ran out goes by itself, a batch at a time, and nothing else does.

use std::time::Duration;

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, NotKept},
};
use idem_sqlx::PostgresStore;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    race::{key, lease},
    server::{options, pool, pool_with, run, tables_of_its_own},
};

const LONG: Duration = Duration::from_secs(60);

/// A store of this interval and the full name of its records' table.
async fn store(sweep: Option<Duration>) -> (PostgresStore, String) {
    let tables = tables_of_its_own().await;
    let builder = PostgresStore::builder(&pool()).tables(tables.clone());
    let builder = match sweep {
        Some(interval) => builder.sweep_every(interval),
        None => builder.without_sweeping(),
    };
    let store = builder.prepare().await.unwrap();
    let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
    let schema = sql.split('"').nth(1).unwrap().to_owned();
    (store, format!("{schema}.\"Kept_records\""))
}

async fn expired(table: &str, rows: usize) {
    run(&format!(
        "INSERT INTO {table} SELECT sha256(n::text::bytea), '\\x00', true, now() - interval '1 s',
             now() - interval '1 s', '\\x00' FROM generate_series(1, {rows}) n"
    ))
    .await;
}

async fn count(pool: &PgPool, sql: String) -> i64 {
    let asking = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool);
    asking.await.unwrap()
}

async fn becomes(wanted: i64, sql: String) {
    let pool = pool();
    let waiting = async {
        while count(&pool, sql.clone()).await != wanted {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap();
}

// S80
#[tokio::test]
async fn expired_rows_go_by_themselves() {
    let (_store, table) = store(Some(Duration::from_millis(10))).await;
    expired(&table, 2_500).await;
    becomes(0, format!("SELECT count(*) FROM {table}")).await;
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let (store, table) = store(None).await;
    expired(&table, 2_500).await;
    for wanted in [1_000, 1_000, 500, 0] {
        assert_eq!(store.sweep().await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn never_more_than_a_batch_an_interval() {
    let interval = Duration::from_millis(200);
    let (_store, table) = store(Some(interval)).await;
    expired(&table, 4_500).await;
    let begun = Instant::now();
    becomes(0, format!("SELECT count(*) FROM {table}")).await;
    assert!(begun.elapsed() >= 4 * interval, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_is_live_or_in_use_stays() {
    let (store, table) = store(None).await;
    let (pending, renewed, completed, lapsed) = (key(), key(), key(), key());
    let held = lease(LONG);
    let short = lease(Duration::from_millis(40));
    for (key, lease) in [(&pending, &held), (&completed, &held), (&renewed, &short)] {
        assert_eq!(store.claim(key, lease).await.unwrap(), Claim::Owned);
    }
    let renewal = idem_core::store::Lease::of_owner(*short.owner(), *short.identity(), LONG);
    assert_eq!(store.renew(&renewed, &renewal).await.unwrap(), Fenced::Held);
    let done = NotKept::Stream.into();
    let completion = store
        .complete(&completed, &held, &done, LONG)
        .await
        .unwrap();
    assert_eq!(completion, Fenced::Held);
    let gone = lease(Duration::from_millis(1));
    assert_eq!(store.claim(&lapsed, &gone).await.unwrap(), Claim::Owned);
    // A renewed lease is judged by its renewal, though its row's own time be long over.
    run(&format!(
        "UPDATE {table} SET sweep_at = now() - interval '1 s'"
    ))
    .await;
    sleep(Duration::from_millis(60)).await;
    assert_eq!(store.sweep().await.unwrap(), 1, "the lapsed one alone");
    for key in [&pending, &renewed, &completed] {
        assert!(store.look_up(key).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_lapsed_row_stays_for_those_who_ask_what_became_of_a_commit() {
    let (store, table) = store(None).await;
    let (key, short) = (key(), lease(Duration::from_millis(1)));
    assert_eq!(store.claim(&key, &short).await.unwrap(), Claim::Owned);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(store.sweep().await.unwrap(), 0);
    assert!(store.look_up(&key).await.unwrap().is_none());
    assert_eq!(
        count(&pool(), format!("SELECT count(*) FROM {table}")).await,
        1
    );
}

#[tokio::test]
async fn the_last_clone_takes_the_task_and_the_connections_with_it() {
    let named = options().application_name("the last clone");
    let builder = PostgresStore::builder(&pool_with(named.clone())).connect_options(named);
    let builder = builder.tables(tables_of_its_own().await);
    let builder = builder.sweep_every(Duration::from_millis(5));
    let store = builder.prepare().await.unwrap();
    let clone = store.clone();
    let connected =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'the last clone'";
    let connected = connected.replace("count(*) > 0", "least(count(*), 1)");
    store.sweep().await.unwrap();
    drop(store);
    sleep(Duration::from_millis(50)).await;
    becomes(1, connected.clone()).await;
    drop(clone);
    becomes(0, connected).await;
}
