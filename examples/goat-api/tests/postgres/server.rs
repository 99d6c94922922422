//! One server for all tests of this program, and a database for each that wants one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use test_servers::Postgres;

static SERVER: LazyLock<Postgres> = LazyLock::new(|| Postgres::start().unwrap());

pub(crate) async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub(crate) async fn run(url: &str, sql: &str) -> u64 {
    let sql = AssertSqlSafe(sql.to_owned());
    let done = sqlx::raw_sql(sql).execute(&mut connect(url).await).await;
    done.unwrap().rows_affected()
}

/// The URL of a database that is empty.
pub(crate) async fn fresh_database() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("goats_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
    run(&SERVER.url("postgres"), &format!("CREATE DATABASE {name}")).await;
    SERVER.url(&name)
}
