//! Whose a database is, and which tables it has.

use idem_sqlx::PrepareError;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::database::DatabaseError;

/// Raise it with each change of the tables.
const VERSION: i32 = 1;

const TABLES: &str = include_str!("schema.sql");

/// Processes that start together create the tables one after the other: `GOAT` in ASCII.
const LOCK: i64 = 0x474F_4154;

/// Why a PostgreSQL database cannot be the market's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The URL cannot be read. The parser does not repeat what it read.
    #[error("its URL cannot be read")]
    Url(#[source] sqlx::Error),
    /// The URL asks for something that nobody knows.
    #[error("its URL has the parameter {0}, which PostgreSQL does not have")]
    Parameter(String),
    /// A table in it is another program's.
    #[error("it has a table {0} of another program")]
    Foreign(String),
    /// Its tables are those of another version of the market.
    #[error("its schema has version {0}, and this program knows version {VERSION}")]
    OtherVersion(i32),
    /// The idempotency records in it are not this version's, or cannot be kept there.
    #[error("its idempotency records cannot be used")]
    Records(#[from] PrepareError),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] DatabaseError),
}

impl PostgresError {
    /// What to try, for a terminal.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::Parameter(_) => {
                "write it as postgres://user:password@host:5432/database, with % and two digits for other signs"
            }
            Self::Foreign(_) => {
                "it was left as it is: name another database, such as a new one made by `createdb`"
            }
            Self::OtherVersion(found) if *found > VERSION => {
                "run the newer version of the market that wrote it, or name another database"
            }
            Self::OtherVersion(_) => "restore it from a copy, or name another database",
            Self::Records(_) => {
                "see that it is a primary whose role may create tables and write, or run the version of the \
                 market that wrote it"
            }
            Self::Failed(_) => {
                "see that the server runs, that the database is there (`createdb`), and that its role may \
                 connect and create tables"
            }
        }
    }
}

/// Makes a database the current version's.
pub(super) async fn bring_up(db: &mut PgConnection) -> Result<(), PostgresError> {
    let begun = db.begin().await;
    let mut transaction = begun.map_err(DatabaseError::during("begin a transaction"))?;
    let locked = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK);
    let locked = locked.execute(&mut *transaction).await;
    locked.map_err(DatabaseError::during("wait for others that start"))?;
    match version(&mut transaction).await? {
        Some(VERSION) => return Ok(()),
        Some(other) => return Err(PostgresError::OtherVersion(other)),
        None => {}
    }
    if let Some(table) = a_table_of_another_program(&mut transaction).await? {
        return Err(PostgresError::Foreign(table));
    }
    let stamp = format!("{TABLES} INSERT INTO goat_market VALUES ({VERSION});");
    let created = sqlx::raw_sql(AssertSqlSafe(stamp)).execute(&mut *transaction);
    created
        .await
        .map_err(DatabaseError::during("create the tables"))?;
    let committed = transaction.commit().await;
    Ok(committed.map_err(DatabaseError::during("commit a transaction"))?)
}

/// The version of the market's tables, if there are such; 0 if it is not said.
async fn version(db: &mut PgConnection) -> Result<Option<i32>, DatabaseError> {
    let asking = || DatabaseError::during("look for the market's tables");
    let found = sqlx::query_scalar("SELECT to_regclass('goat_market') IS NOT NULL");
    let found: bool = found.fetch_one(&mut *db).await.map_err(asking())?;
    if !found {
        return Ok(None);
    }
    let version = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM goat_market");
    version.fetch_one(db).await.map(Some).map_err(asking())
}

/// What stands in the place of a table that the market would make.
async fn a_table_of_another_program(
    db: &mut PgConnection,
) -> Result<Option<String>, DatabaseError> {
    sqlx::query_scalar(
        "SELECT name FROM unnest(ARRAY['goats', 'catalog', 'orders', 'order_items']) name \
         WHERE to_regclass(name) IS NOT NULL LIMIT 1",
    )
    .fetch_optional(db)
    .await
    .map_err(DatabaseError::during("look for other tables"))
}
