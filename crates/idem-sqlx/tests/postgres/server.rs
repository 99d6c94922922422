//! One server for all tests of this program, and a schema for each that wants one.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use idem_sqlx::{PostgresBuilder, PostgresStore, Tables};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use test_servers::Postgres;

static SERVER: LazyLock<Postgres> = LazyLock::new(|| Postgres::start().unwrap());

pub(crate) fn options() -> PgConnectOptions {
    SERVER.url("postgres").parse().unwrap()
}

/// An application's pool, which connects when it must.
pub(crate) fn pool() -> PgPool {
    pool_with(options())
}

pub(crate) fn pool_with(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options)
}

pub(crate) async fn run(sql: &str) {
    let pool = pool();
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
}

/// Names that no other test has.
pub(crate) async fn tables_of_its_own() -> Tables {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let schema = format!("s{}", NUMBER.fetch_add(1, Ordering::SeqCst));
    run(&format!("CREATE SCHEMA {schema}")).await;
    Tables::with_prefix("Kept")
        .unwrap()
        .in_schema(&schema)
        .unwrap()
}

/// A store in tables of its own.
pub(crate) async fn builder() -> PostgresBuilder {
    PostgresStore::builder(&pool()).tables(tables_of_its_own().await)
}

pub(crate) const LEVELS: [&str; 3] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
];

/// Ends those sessions.
pub(crate) async fn terminate(whose: &str) {
    let sql =
        format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {whose}");
    let asking = sqlx::query_scalar(AssertSqlSafe(sql));
    let count: i64 = asking.fetch_one(&pool()).await.unwrap();
    assert!(count > 0, "nobody to terminate: {whose}");
}

/// How many sessions there are of this kind.
pub(crate) async fn sessions(whose: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE {whose}");
    let asking = sqlx::query_scalar(AssertSqlSafe(sql));
    asking.fetch_one(&pool()).await.unwrap()
}
