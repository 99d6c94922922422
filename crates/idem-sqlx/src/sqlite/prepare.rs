//! The tables, and the check at start-up that the store can work with them.

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection, SqlitePool,
    sqlite::SqliteConnectOptions,
};
use tokio::time::{Instant, sleep, timeout};

use super::error::{is_busy, is_read_only};
use crate::{Migration, PrepareError, Tables};

/// The version of the schema that this release works with.
const VERSION: i32 = 1;

const SCHEMA_1: &str = include_str!("sql/schema_1.sql");

/// Creating tables may wait for others who do so, or who write.
const TIMEOUT: Duration = Duration::from_secs(30);

/// To change the journal's mode nobody else may use the file, and SQLite does not wait for that.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

pub(super) fn migrations(tables: &Tables) -> Vec<Migration> {
    vec![Migration {
        version: VERSION,
        sql: tables.without_schema().fill(SCHEMA_1),
    }]
}

/// Sets the journal's mode and runs the migrations, where that was not done.
pub(super) async fn create(
    options: &SqliteConnectOptions,
    tables: &Tables,
) -> Result<(), PrepareError> {
    let mut connection = connect(options).await?;
    file_of(&mut connection).await?;
    to_wal(&mut connection).await?;
    if version(&mut connection, tables).await? == Some(VERSION) {
        return Ok(());
    }
    let creating = async {
        // Others who create them meanwhile are waited for here, and not in the midst of it.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for migration in migrations(tables) {
            let sql = AssertSqlSafe(migration.sql);
            sqlx::raw_sql(sql).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    };
    writing("create the tables", creating).await?;
    close(connection).await;
    Ok(())
}

/// Says what is wrong, if anything is, and else the file's canonical path.
pub(super) async fn check(
    options: &SqliteConnectOptions,
    tables: &Tables,
    pool: &SqlitePool,
) -> Result<PathBuf, PrepareError> {
    let mut theirs = bounded("get a connection of the application's pool", pool.acquire()).await?;
    let pool = file_of(&mut theirs).await?;
    drop(theirs);
    let mut own = connect(options).await?;
    let store = file_of(&mut own).await?;
    if store != pool {
        let (store, pool) = (store.display().to_string(), pool.display().to_string());
        return Err(PrepareError::OtherDatabase { store, pool });
    }
    let found = journal_mode(&mut own).await?;
    if found != "wal" {
        return Err(PrepareError::NotWal { found });
    }
    match version(&mut own, tables).await? {
        Some(VERSION) => {}
        Some(found) => {
            let needed = VERSION;
            return Err(PrepareError::Version { found, needed });
        }
        None => {
            let table = tables.named("schema");
            return Err(PrepareError::MissingTable { table });
        }
    }
    if !exists(&mut own, &tables.named("records")).await? {
        let table = tables.named("records");
        return Err(PrepareError::MissingTable { table });
    }
    // SQLite begins a transaction to write on what is read-only, and refuses the write.
    let table = tables.named("schema");
    let write = format!("BEGIN IMMEDIATE; UPDATE {table} SET version = version; ROLLBACK");
    let trying = sqlx::raw_sql(AssertSqlSafe(write)).execute(&mut own);
    writing("try to write", trying).await?;
    close(own).await;
    Ok(store)
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, PrepareError> {
    let options = options.clone().busy_timeout(TIMEOUT).shared_cache(false);
    bounded("open the database", options.connect()).await
}

async fn close(connection: SqliteConnection) {
    // Nothing depends on how it ends.
    drop(timeout(TIMEOUT, connection.close()).await);
}

/// The main database's file, as all who open it name it.
async fn file_of(connection: &mut SqliteConnection) -> Result<PathBuf, PrepareError> {
    let action = "ask which file the database is";
    let asking = sqlx::query("SELECT file FROM pragma_database_list WHERE name = 'main'");
    let row = bounded(action, asking.fetch_one(connection)).await?;
    let file: Option<String> = row
        .try_get("file")
        .map_err(|source| PrepareError::Database { action, source })?;
    match file {
        Some(file) if !file.is_empty() => {
            let canonical = fs::canonicalize(Path::new(&file));
            canonical.map_err(|error| PrepareError::Database {
                action,
                source: error.into(),
            })
        }
        _ => Err(PrepareError::InMemory),
    }
}

async fn journal_mode(connection: &mut SqliteConnection) -> Result<String, PrepareError> {
    let asking = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(connection);
    bounded("ask for the journal's mode", asking).await
}

async fn to_wal(connection: &mut SqliteConnection) -> Result<(), PrepareError> {
    let until = Instant::now() + TIMEOUT;
    while journal_mode(connection).await? != "wal" {
        let setting = sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut *connection);
        match setting.await {
            Ok(_) => {
                // Where it cannot be set, as in a database without shared memory, it says so here.
                let found = journal_mode(connection).await?;
                return match found == "wal" {
                    true => Ok(()),
                    false => Err(PrepareError::NotWal { found }),
                };
            }
            Err(error) if is_busy(&error) && Instant::now() < until => sleep(AGAIN_AFTER).await,
            Err(source) => return Err(write_failed("set the journal's mode", source)),
        }
    }
    Ok(())
}

/// The version of the schema; `None` if there is none, 0 if it was begun and not ended.
async fn version(
    connection: &mut SqliteConnection,
    tables: &Tables,
) -> Result<Option<i32>, PrepareError> {
    let table = tables.named("schema");
    if !exists(connection, &table).await? {
        return Ok(None);
    }
    let sql = format!("SELECT coalesce(max(version), 0) FROM {table}");
    let asking = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection);
    bounded("read the version of the tables", asking)
        .await
        .map(Some)
}

async fn exists(connection: &mut SqliteConnection, quoted: &str) -> Result<bool, PrepareError> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(?1)";
    let asking = sqlx::query_scalar::<_, i64>(sql).bind(quoted.trim_matches('"'));
    let count = bounded("look for the tables", asking.fetch_one(connection)).await?;
    Ok(count > 0)
}

async fn bounded<T>(
    action: &'static str,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, PrepareError> {
    let answer = timeout(TIMEOUT, call).await;
    let answer = answer.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    answer.map_err(|source| PrepareError::Database { action, source })
}

async fn writing<T>(
    action: &'static str,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, PrepareError> {
    match bounded(action, call).await {
        Err(PrepareError::Database { action, source }) => Err(write_failed(action, source)),
        answer => answer,
    }
}

fn write_failed(action: &'static str, source: sqlx::Error) -> PrepareError {
    if is_read_only(&source) {
        let why = "the file, its folder or the connect options are read-only";
        PrepareError::ReadOnly { why }
    } else {
        PrepareError::Database { action, source }
    }
}
