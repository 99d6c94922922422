//! The tables, and the check at start-up that the store can work with them.

use std::{future::Future, time::Duration};

use idem_core::store::StoreIdentity;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool, Postgres, Row, Transaction,
    postgres::{PgArguments, PgConnectOptions},
    query::Query,
};
use tokio::time::timeout;

use crate::{Migration, PrepareError, Tables};

/// The version of the schema that this release works with.
const VERSION: i32 = 1;

const SCHEMA_1: &str = include_str!("sql/schema_1.sql");

/// Creating tables may wait for others who do so.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One lock for all who create tables: they do so once, and seldom at the same time.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7594834018291642)";

const BEGINNING: &str = "begin a transaction";

/// What the store's own role does with the records, and what a handler's does.
const OF_THE_STORE: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
const OF_HANDLERS: [&str; 3] = ["SELECT", "INSERT", "UPDATE"];

pub(super) fn migrations(tables: &Tables) -> Vec<Migration> {
    vec![Migration {
        version: VERSION,
        sql: tables.fill(SCHEMA_1),
    }]
}

/// Runs the migrations, unless that was done.
pub(super) async fn create(
    options: &PgConnectOptions,
    tables: &Tables,
) -> Result<(), PrepareError> {
    let mut connection = connect(options).await?;
    // Behind a pooler, a transaction keeps the server's connection.
    let mut transaction = bounded(BEGINNING, connection.begin()).await?;
    if version(&mut transaction, tables).await? == Some(VERSION) {
        return Ok(());
    }
    if let Some(why) = read_only(&mut transaction).await? {
        return Err(PrepareError::ReadOnly { why });
    }
    let creating = async {
        sqlx::raw_sql(LOCK).execute(&mut *transaction).await?;
        for migration in migrations(tables) {
            let sql = AssertSqlSafe(migration.sql);
            sqlx::raw_sql(sql).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    };
    bounded("create the tables", creating).await?;
    close(connection).await;
    Ok(())
}

/// Where the tables are.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) schema: String,
    pub(super) identity: StoreIdentity,
}

/// Says what is wrong, if anything is, and else where the tables are.
pub(super) async fn check(
    options: &PgConnectOptions,
    tables: &Tables,
    pool: &PgPool,
) -> Result<Place, PrepareError> {
    let mut connection = connect(options).await?;
    let mut own = bounded(BEGINNING, connection.begin()).await?;
    if let Some(why) = read_only(&mut own).await? {
        return Err(PrepareError::ReadOnly { why });
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
    for ending in ["records", "renewals"] {
        let table = tables.named(ending);
        look_at(&mut own, &table, &OF_THE_STORE).await?;
    }
    let mut theirs = bounded("get a connection of the application's pool", begun(pool)).await?;
    same_tables(&mut own, &mut theirs, tables).await?;
    let records = tables.named("records");
    look_at(&mut theirs, &records, &OF_HANDLERS).await?;
    let place = whereabouts(&mut own, tables).await?;
    drop((own, theirs));
    close(connection).await;
    Ok(place)
}

/// Finds out what the tables are, whatever names and ways lead to them.
async fn whereabouts(
    own: &mut Transaction<'_, Postgres>,
    tables: &Tables,
) -> Result<Place, PrepareError> {
    let action = "look at the tables";
    let failed = |source| failed(action, source);
    let sql = "SELECT n.nspname::text AS schema, c.oid::text AS id, current_database()::text AS database,
            (pg_postmaster_start_time() AT TIME ZONE 'UTC')::text AS started
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)";
    let asking = unnamed(sql).bind(tables.named("records"));
    let row = bounded(action, asking.fetch_one(&mut **own)).await?;
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
    // Some services do not let it be read; then two stores are one until the server is started again.
    let server = match server(own).await {
        Ok(server) => server,
        Err(_) => text("started")?,
    };
    Ok(Place {
        schema: text("schema")?,
        identity: StoreIdentity::of_parts(["postgres", &server, &text("database")?, &text("id")?]),
    })
}

/// What tells this server's data from all others.
async fn server(own: &mut Transaction<'_, Postgres>) -> Result<String, PrepareError> {
    let action = "ask which server it is";
    let asking = async {
        let mut savepoint = own.begin().await?;
        let sql = "SELECT system_identifier::text FROM pg_control_system()";
        let asking = sqlx::query_scalar(sql).persistent(false);
        asking.fetch_one(&mut *savepoint).await
    };
    bounded(action, asking).await
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, PrepareError> {
    bounded("connect to the database", options.connect()).await
}

async fn close(connection: PgConnection) {
    // Nothing depends on how it ends.
    drop(timeout(TIMEOUT, connection.close()).await);
}

/// A statement that is prepared under no name, for behind a pooler the name may be another client's.
fn unnamed(sql: &'static str) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

async fn read_only(connection: &mut PgConnection) -> Result<Option<&'static str>, PrepareError> {
    let sql = "SELECT pg_is_in_recovery() AS replica,
        current_setting('transaction_read_only') = 'on' AS read_only";
    let asking = unnamed(sql).fetch_one(connection);
    let action = "ask whether the database takes writes";
    let row = bounded(action, asking).await?;
    let is = |column| row.try_get::<bool, _>(column);
    Ok(match (is("replica"), is("read_only")) {
        (Ok(true), _) => Some("it is a replica"),
        (_, Ok(true)) => Some("its transactions are read-only by default"),
        _ => None,
    })
}

/// The version of the schema; `None` if there is none, 0 if it was begun and not ended.
async fn version(
    connection: &mut PgConnection,
    tables: &Tables,
) -> Result<Option<i32>, PrepareError> {
    let action = "read the version of the tables";
    let table = tables.named("schema");
    let asking = unnamed("SELECT to_regclass($1) IS NOT NULL AS there").bind(&table);
    let row = bounded(action, asking.fetch_one(&mut *connection)).await?;
    if !row
        .try_get("there")
        .map_err(|source| failed(action, source))?
    {
        return Ok(None);
    }
    let sql = format!("SELECT coalesce(max(version), 0) FROM {table}");
    let asking = sqlx::query_scalar(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_one(connection);
    bounded(action, asking).await.map(Some)
}

/// Looks whether a table is there, survives a crash, and may be used by this connection's role.
async fn look_at(
    connection: &mut PgConnection,
    table: &str,
    privileges: &'static [&'static str],
) -> Result<(), PrepareError> {
    let action = "look at the tables";
    let sql = "SELECT c.relpersistence = 'u' AS unlogged, current_user::text AS role,
            ARRAY(SELECT has_table_privilege(c.oid, p) FROM unnest($2::text[]) WITH ORDINALITY
                AS asked (p, n) ORDER BY n) AS granted
        FROM pg_class c WHERE c.oid = to_regclass($1)";
    let asking = unnamed(sql).bind(table).bind(privileges);
    let Some(row) = bounded(action, asking.fetch_optional(connection)).await? else {
        let table = table.to_owned();
        return Err(PrepareError::MissingTable { table });
    };
    let failed = |source| failed(action, source);
    if row.try_get("unlogged").map_err(failed)? {
        let table = table.to_owned();
        return Err(PrepareError::Unlogged { table });
    }
    let granted: Vec<bool> = row.try_get("granted").map_err(failed)?;
    match granted.iter().position(|granted| !granted) {
        None => Ok(()),
        Some(lacking) => Err(PrepareError::Privilege {
            role: row.try_get("role").map_err(failed)?,
            table: table.to_owned(),
            privilege: privileges.get(lacking).copied().unwrap_or("ALL"),
        }),
    }
}

/// Compares what both connections find under the names: the server, the database and the table.
async fn same_tables(
    own: &mut PgConnection,
    theirs: &mut PgConnection,
    tables: &Tables,
) -> Result<(), PrepareError> {
    let (store, pool) = (place(own, tables).await?, place(theirs, tables).await?);
    match store == pool {
        true => Ok(()),
        false => Err(PrepareError::OtherDatabase { store, pool }),
    }
}

async fn place(connection: &mut PgConnection, tables: &Tables) -> Result<String, PrepareError> {
    let sql = "SELECT format('%s of the database %s, of the server on port %s that was started at %s',
        coalesce('table ' || to_regclass($1)::oid, 'no table'), current_database(),
        current_setting('port'), to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'))";
    let asking = sqlx::query_scalar(sql)
        .persistent(false)
        .bind(tables.named("records"));
    bounded("compare the databases", asking.fetch_one(connection)).await
}

async fn bounded<T>(
    action: &'static str,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, PrepareError> {
    let answer = timeout(TIMEOUT, call).await;
    let answer = answer.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    answer.map_err(|source| failed(action, source))
}

const fn failed(action: &'static str, source: sqlx::Error) -> PrepareError {
    PrepareError::Database { action, source }
}

/// In a task, as a handler's transaction begins: given up half-way it would stay open in the pool.
async fn begun(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin().await }).await;
    begun.map_err(|_| sqlx::Error::WorkerCrashed)?
}
