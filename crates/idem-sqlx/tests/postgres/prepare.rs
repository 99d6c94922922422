//! Tables that are created by many at once, and a start-up check that says what is wrong.

use std::time::Duration;

use idem_sqlx::{PostgresStore, PrepareError, Tables};
use sqlx::AssertSqlSafe;
use tokio::task::JoinSet;

use crate::server::{builder, options, pool, pool_with, run, tables_of_its_own};

/// The tables' schema, and the names in it.
async fn prepared() -> (Tables, String) {
    let tables = tables_of_its_own().await;
    let builder = PostgresStore::builder(&pool()).tables(tables.clone());
    builder.prepare().await.unwrap();
    let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
    let schema = sql.split('"').nth(1).unwrap().to_owned();
    (tables, schema)
}

async fn checked(tables: &Tables) -> Result<PostgresStore, PrepareError> {
    PostgresStore::builder(&pool())
        .tables(tables.clone())
        .check()
        .await
}

#[tokio::test]
async fn many_processes_prepare_at_once() {
    let tables = tables_of_its_own().await;
    let mut starting = JoinSet::new();
    for _ in 0..12 {
        let builder = PostgresStore::builder(&pool()).tables(tables.clone());
        starting.spawn(builder.prepare());
    }
    for started in starting.join_all().await {
        started.unwrap();
    }
}

#[tokio::test]
async fn an_application_may_run_the_migrations_itself_and_again() {
    let tables = tables_of_its_own().await;
    for _ in 0..2 {
        for (number, migration) in PostgresStore::migrations(&tables).iter().enumerate() {
            assert_eq!(usize::try_from(migration.version()).unwrap(), number + 1);
            run(migration.sql()).await;
        }
    }
    checked(&tables).await.unwrap();
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let tables = tables_of_its_own().await;
    let error = checked(&tables).await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::MissingTable { table } if table.contains("Kept_schema"))
    );
    assert!(error.to_string().contains("migrations"), "{error}");

    let (tables, schema) = prepared().await;
    run(&format!("DROP TABLE {schema}.\"Kept_renewals\"")).await;
    let error = checked(&tables).await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::MissingTable { table } if table.contains("Kept_renewals"))
    );
}

#[tokio::test]
async fn a_schema_that_is_missing_is_not_created_behind_ones_back() {
    let tables = Tables::default().in_schema("nowhere").unwrap();
    let builder = PostgresStore::builder(&pool()).tables(tables.clone());
    let error = builder.prepare().await.unwrap_err();
    assert!(
        matches!(
            error,
            PrepareError::Database {
                action: "create the tables",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(matches!(
        checked(&tables).await,
        Err(PrepareError::MissingTable { .. })
    ));
}

#[tokio::test]
async fn tables_of_another_version_are_refused() {
    let (tables, schema) = prepared().await;
    run(&format!(
        "INSERT INTO {schema}.\"Kept_schema\" (version) VALUES (2)"
    ))
    .await;
    let error = checked(&tables).await.unwrap_err();
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
    // The tables of a newer release are not touched either.
    let builder = PostgresStore::builder(&pool()).tables(tables);
    assert!(matches!(
        builder.prepare().await,
        Err(PrepareError::Version { found: 2, .. })
    ));
}

#[tokio::test]
async fn a_table_that_a_crash_empties_is_refused() {
    let (tables, schema) = prepared().await;
    run(&format!(
        "ALTER TABLE {schema}.\"Kept_records\" SET UNLOGGED"
    ))
    .await;
    let error = checked(&tables).await.unwrap_err();
    assert!(matches!(error, PrepareError::Unlogged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_refused() {
    let (tables, _) = prepared().await;
    run("CREATE ROLE reading LOGIN SUPERUSER; ALTER ROLE reading SET default_transaction_read_only = on").await;
    let pool = pool_with(options().username("reading"));
    let checking = PostgresStore::builder(&pool).tables(tables).check().await;
    let error = checking.unwrap_err();
    assert!(matches!(error, PrepareError::ReadOnly { .. }), "{error:?}");
    let builder = PostgresStore::builder(&pool).tables(tables_of_its_own().await);
    assert!(matches!(
        builder.prepare().await,
        Err(PrepareError::ReadOnly { .. })
    ));
}

#[tokio::test]
async fn a_missing_privilege_is_named_for_either_role() {
    let (tables, schema) = prepared().await;
    run(&format!(
        "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA {schema} TO clerk;
         GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO clerk;
         GRANT INSERT, DELETE ON ALL TABLES IN SCHEMA {schema} TO clerk"
    ))
    .await;
    let clerk = || options().username("clerk");
    let lacking = |error: PrepareError| match error {
        PrepareError::Privilege {
            role, privilege, ..
        } => (role, privilege),
        other => panic!("{other:?}"),
    };
    let theirs = PostgresStore::builder(&pool()).tables(tables.clone());
    let error = theirs.connect_options(clerk()).check().await.unwrap_err();
    assert!(error.to_string().contains("GRANT UPDATE ON"), "{error}");
    assert_eq!(lacking(error), ("clerk".into(), "UPDATE"));

    let handlers = pool_with(clerk());
    let builder = PostgresStore::builder(&handlers).tables(tables.clone());
    let error = builder
        .connect_options(options())
        .check()
        .await
        .unwrap_err();
    assert_eq!(lacking(error), ("clerk".into(), "UPDATE"));

    run(&format!(
        "GRANT UPDATE ON ALL TABLES IN SCHEMA {schema} TO clerk"
    ))
    .await;
    // Who may not create tables may prepare where they are.
    let builder = PostgresStore::builder(&handlers).tables(tables);
    builder.prepare().await.unwrap();
}

#[tokio::test]
async fn another_database_than_the_pools_is_refused() {
    run("CREATE DATABASE elsewhere").await;
    let (tables, _) = prepared().await;
    let elsewhere = options().database("elsewhere");
    let there = pool_with(elsewhere.clone());
    let plain = Tables::default();
    for options in [elsewhere.clone(), options()] {
        let builder = PostgresStore::builder(&pool_with(options)).tables(plain.clone());
        builder.prepare().await.unwrap();
    }
    let builder = PostgresStore::builder(&pool()).tables(plain);
    let error = builder
        .connect_options(elsewhere)
        .check()
        .await
        .unwrap_err();
    assert!(
        matches!(error, PrepareError::OtherDatabase { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("elsewhere"), "{error}");

    let builder = PostgresStore::builder(&there).tables(tables);
    let error = builder
        .connect_options(options())
        .check()
        .await
        .unwrap_err();
    assert!(
        matches!(error, PrepareError::OtherDatabase { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn other_tables_by_another_search_path_are_refused() {
    let (_, schema) = prepared().await;
    let search = |schema: &str| options().options([("search_path", schema)]);
    let other = prepared().await.1;
    let tables = Tables::with_prefix("Kept").unwrap();
    let builder = PostgresStore::builder(&pool_with(search(&schema))).tables(tables.clone());
    let error = builder
        .connect_options(search(&other))
        .check()
        .await
        .unwrap_err();
    assert!(
        matches!(error, PrepareError::OtherDatabase { .. }),
        "{error:?}"
    );
    let builder = PostgresStore::builder(&pool_with(search(&schema))).tables(tables);
    builder.check().await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused() {
    // What the check asks of a replica is what it asks of its primary, so one function stands in for it.
    run("CREATE SCHEMA stand_in; CREATE FUNCTION stand_in.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'").await;
    let (tables, _) = prepared().await;
    let replica = options().options([("search_path", "stand_in,pg_catalog")]);
    let builder = PostgresStore::builder(&pool_with(replica)).tables(tables);
    let error = builder.check().await.unwrap_err();
    assert!(error.to_string().contains("it is a replica"), "{error}");
}

#[tokio::test]
async fn a_call_timeout_that_cannot_be_kept_is_refused() {
    for milliseconds in [0, 19, 3_600_001] {
        let timeout = Duration::from_millis(milliseconds);
        let builder = builder().await.call_timeout(timeout);
        let error = builder.prepare().await.unwrap_err();
        assert!(
            matches!(error, PrepareError::CallTimeout { .. }),
            "{error:?}"
        );
    }
    let most = builder()
        .await
        .call_timeout(Duration::from_secs(3_600))
        .sweep_every(Duration::MAX);
    let store = most.connections(usize::MAX).prepare().await.unwrap();
    store.sweep().await.unwrap();
    let least = builder().await.sweep_every(Duration::ZERO).connections(0);
    least.prepare().await.unwrap().sweep().await.unwrap();
}

#[tokio::test]
async fn no_password_is_shown() {
    let pool = pool_with(options().password("geheim"));
    let builder = PostgresStore::builder(&pool).connect_options(options().password("geheim"));
    assert!(!format!("{builder:?}").contains("geheim"));
    let store = builder
        .tables(tables_of_its_own().await)
        .prepare()
        .await
        .unwrap();
    assert!(!format!("{store:?}").contains("geheim"));
    let sql = AssertSqlSafe("SELECT 1");
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
}
