//! Tables that are created by many at once, and a start-up check that says what is wrong.

use std::time::Duration;

use idem_core::IdempotencyStore;
use idem_sqlx::{PrepareError, SqliteStore, Tables};
use sqlx::{
    AssertSqlSafe,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use tokio::task::JoinSet;

use crate::file::{File, key, pool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_prepare_at_once() {
    let file = File::new();
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        starting.spawn(file.builder().prepare());
    }
    for started in starting.join_all().await {
        started.unwrap();
    }
}

#[tokio::test]
async fn an_application_may_run_the_migrations_itself_and_again() {
    let file = File::with(|options| options.journal_mode(SqliteJournalMode::Wal));
    let tables = Tables::with_prefix("Kept").unwrap();
    for _ in 0..2 {
        for migration in SqliteStore::migrations(&tables) {
            let sql = AssertSqlSafe(migration.sql().to_owned());
            sqlx::raw_sql(sql).execute(&file.pool).await.unwrap();
        }
    }
    let store = file.builder().tables(tables).check().await.unwrap();
    assert!(store.look_up(&key()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let file = File::with(|options| options.journal_mode(SqliteJournalMode::Wal));
    let error = file.builder().check().await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::MissingTable { table } if table.contains("idem_schema"))
    );
    drop(file.store().await);
    file.run("DROP TABLE idem_records").await;
    let error = file.builder().check().await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::MissingTable { table } if table.contains("idem_records"))
    );
}

#[tokio::test]
async fn tables_of_another_version_are_refused() {
    let file = File::new();
    drop(file.store().await);
    file.run("INSERT INTO idem_schema (version) VALUES (2)")
        .await;
    for error in [file.builder().check().await, file.builder().prepare().await] {
        let error = error.unwrap_err();
        assert!(
            matches!(
                error,
                PrepareError::Version {
                    found: 2,
                    needed: 1
                }
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_database_in_memory_is_refused() {
    for url in [
        "sqlite::memory:",
        "sqlite://x?mode=memory&cache=shared",
        "sqlite://",
    ] {
        let options: SqliteConnectOptions = url.parse().unwrap();
        let builder = SqliteStore::builder(&pool(options));
        let error = builder.clone().prepare().await.unwrap_err();
        assert!(matches!(error, PrepareError::InMemory), "{url}: {error:?}");
        let error = builder.check().await.unwrap_err();
        assert!(matches!(error, PrepareError::InMemory), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_journal_that_lets_readers_wait_is_refused() {
    let file = File::with(|options| options.journal_mode(SqliteJournalMode::Delete));
    let error = file.builder().check().await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::NotWal { found } if found == "delete"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_takes_no_writes_is_refused() {
    let file = File::new();
    drop(file.store().await);
    let options = (*file.pool.connect_options()).clone();
    let read_only = pool(options.create_if_missing(false).read_only(true));
    let error = SqliteStore::builder(&read_only)
        .prepare()
        .await
        .unwrap_err();
    assert!(matches!(error, PrepareError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn a_schema_is_refused() {
    let file = File::new();
    let tables = Tables::default().in_schema("main").unwrap();
    let error = file.builder().tables(tables).prepare().await.unwrap_err();
    assert!(matches!(error, PrepareError::Schema), "{error:?}");
}

#[tokio::test]
async fn no_setting_panics() {
    let file = File::new();
    for timeout in [Duration::ZERO, Duration::from_millis(19), Duration::MAX] {
        let error = file
            .builder()
            .call_timeout(timeout)
            .prepare()
            .await
            .unwrap_err();
        assert!(
            matches!(error, PrepareError::CallTimeout { .. }),
            "{error:?}"
        );
    }
    let most = file
        .builder()
        .sweep_every(Duration::MAX)
        .readers(usize::MAX);
    let most = most
        .max_record_bytes(usize::MAX)
        .call_timeout(Duration::from_secs(3_600));
    let least = file
        .builder()
        .sweep_every(Duration::ZERO)
        .readers(0)
        .max_record_bytes(0);
    for builder in [most, least] {
        let store = builder.prepare().await.unwrap();
        assert!(store.look_up(&key()).await.unwrap().is_none());
    }
}
