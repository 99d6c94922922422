//! Whose a file is, and which tables it has.
//!
//! The market stamps its files: `PRAGMA application_id` says that a file is the market's, and
//! `PRAGMA user_version` which version of the schema it has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use idem_sqlx::PrepareError;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::database::DatabaseError;
use crate::database::sqlite::result_code;

/// `GOAT` in ASCII.
const APPLICATION_ID: i32 = 0x474F_4154;

/// Raise it with each change of the tables.
const VERSION: i32 = 1;

const TABLES: &str = include_str!("schema.sql");

/// Why a file cannot be the market's database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is memory, of which each connection has its own.
    #[error("it is not a file")]
    Memory,
    /// It holds something else.
    #[error("it is not an SQLite database")]
    NotADatabase,
    /// The data in it are not the market's; the reason is given.
    #[error("it is another program's database, {0}")]
    Foreign(String),
    /// Its tables are those of another version of the market.
    #[error("its schema has version {0}, and this program knows version {VERSION}")]
    OtherVersion(i32),
    /// It is the market's, and somebody changed its tables.
    #[error("it was changed by another program: {0}")]
    Changed(String),
    /// SQLite could not read it to its end.
    #[error("it is damaged")]
    Damaged(#[source] DatabaseError),
    /// Nothing could be written.
    #[error("there is no room for it")]
    NoRoom(#[source] DatabaseError),
    /// The idempotency records in it are not this version's, or cannot be kept there.
    #[error("its idempotency records cannot be used")]
    Records(#[source] PrepareError),
    /// Anything else.
    #[error(transparent)]
    Failed(DatabaseError),
}

impl From<PrepareError> for FileError {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Database { action, source } => {
                DatabaseError::during(action)(source).into()
            }
            error => Self::Records(error),
        }
    }
}

impl From<DatabaseError> for FileError {
    fn from(error: DatabaseError) -> Self {
        const CORRUPT: i32 = 11;
        const FULL: i32 = 13;
        const NOTADB: i32 = 26;
        let sqlx = error.source.downcast_ref::<sqlx::Error>();
        match sqlx.and_then(result_code) {
            Some(CORRUPT) => Self::Damaged(error),
            Some(FULL) => Self::NoRoom(error),
            Some(NOTADB) => Self::NotADatabase,
            _ => Self::Failed(error),
        }
    }
}

impl FileError {
    /// What to try, for a terminal.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Memory => "name a file with --database, such as /tmp/goat-market.db for a trial",
            Self::NotADatabase | Self::Foreign(_) => {
                "it was left as it is: name another file with --database, which is created if it \
                 is missing"
            }
            Self::OtherVersion(found) if *found > VERSION => {
                "run the newer version of the market that wrote it, or name another file with \
                 --database"
            }
            Self::Records(_) => {
                "run the version of the market that wrote it, or name another file with --database"
            }
            Self::OtherVersion(_) | Self::Changed(_) | Self::Damaged(_) => {
                "restore it from a copy, or name another file with --database"
            }
            Self::NoRoom(_) => {
                "free some room on its disk, or name a file on another with --database"
            }
            Self::Failed(_) => "try a file in a writable directory with --database",
        }
    }
}

/// A file that is the market's, or may become it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It has nothing in it yet.
    Empty,
    /// It was written before the market stamped its files.
    Unstamped,
    /// It has this version's tables and stamp.
    Current,
}

/// Whether there is a file that does not begin as a database does.
///
/// SQLite takes a file of a byte or two for an empty one, and would write over it.
pub(super) fn is_something_else(path: &Path) -> bool {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    // What is no file, such as a pipe, could keep its reader waiting.
    if !path.is_file() {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut head));
    // What cannot be read is SQLite's to explain.
    read.is_ok() && !head.is_empty() && head != MAGIC
}

/// Whether SQLite keeps the database in memory, as it does by names such as `:memory:`.
///
/// # Errors
/// It cannot be asked.
///
/// # Cancel safety
/// Safe.
pub(super) async fn is_in_memory(db: &mut SqliteConnection) -> Result<bool, FileError> {
    let file = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'");
    let file: Option<String> = file
        .fetch_one(db)
        .await
        .map_err(DatabaseError::during("open the database"))?;
    Ok(file.is_none_or(|file| file.is_empty()))
}

/// Looks whose a file is, and changes nothing.
///
/// # Errors
/// It is not the market's, not this version's, or cannot be read.
///
/// # Cancel safety
/// Safe.
pub(super) async fn examine(db: &mut SqliteConnection) -> Result<Found, FileError> {
    let application_id = pragma(db, "PRAGMA application_id").await?;
    let version = pragma(db, "PRAGMA user_version").await?;
    match (application_id, version) {
        (APPLICATION_ID, VERSION) => match difference(db).await? {
            None => Ok(Found::Current),
            Some(difference) => Err(FileError::Changed(difference)),
        },
        (APPLICATION_ID, other) => Err(FileError::OtherVersion(other)),
        (0, 0) if is_empty(db).await? => Ok(Found::Empty),
        (0, 0) => match difference(db).await? {
            None => Ok(Found::Unstamped),
            Some(difference) => Err(FileError::Foreign(difference)),
        },
        (0, version) => Err(FileError::Foreign(format!("its user_version is {version}"))),
        (id, _) => Err(FileError::Foreign(format!("its application_id is {id}"))),
    }
}

/// Makes a file the current version's; the caller commits.
///
/// # Errors
/// As those of [`examine`], or it could not be written.
///
/// # Cancel safety
/// Not cancel safe on its own: roll the transaction back.
pub(super) async fn bring_up(db: &mut SqliteConnection) -> Result<(), FileError> {
    // Asked again: another process may have been faster.
    let tables = match examine(db).await? {
        Found::Current => return Ok(()),
        Found::Unstamped => "",
        Found::Empty => TABLES,
    };
    let stamp =
        format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};");
    sqlx::raw_sql(AssertSqlSafe(format!("{tables}{stamp}")))
        .execute(db)
        .await
        .map_err(DatabaseError::during("create the tables"))?;
    Ok(())
}

async fn pragma(db: &mut SqliteConnection, pragma: &'static str) -> Result<i32, DatabaseError> {
    let value = sqlx::query_scalar(pragma).fetch_one(db).await;
    value.map_err(DatabaseError::during("read the database's header"))
}

async fn is_empty(db: &mut SqliteConnection) -> Result<bool, DatabaseError> {
    sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)")
        .fetch_one(db)
        .await
        .map_err(DatabaseError::during("list the tables"))
}

/// The first table that is not as this version makes it. What is there besides is not looked at.
async fn difference(db: &mut SqliteConnection) -> Result<Option<String>, DatabaseError> {
    let found = tables(db).await?;
    let differs =
        expected()
            .await?
            .into_iter()
            .find_map(|(name, expected)| match found.get(&name) {
                None => Some(format!("it has no table {name}")),
                Some(found) if *found != expected => {
                    Some(format!("its table {name} is not the market's"))
                }
                Some(_) => None,
            });
    Ok(differs)
}

type Tables = BTreeMap<String, BTreeSet<String>>;

/// What SQLite makes of the schema, and not a second list of its columns.
async fn expected() -> Result<Tables, DatabaseError> {
    let making = || DatabaseError::during("make the tables in memory");
    let memory = SqliteConnection::connect("sqlite::memory:").await;
    let mut memory = memory.map_err(making())?;
    let made = sqlx::raw_sql(TABLES).execute(&mut memory).await;
    made.map_err(making())?;
    tables(&mut memory).await
}

/// The columns and the unique keys of each table.
async fn tables(db: &mut SqliteConnection) -> Result<Tables, DatabaseError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, concat_ws(' ', 'column', c.name, c.type, c.\"notnull\", c.pk) \
         FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         UNION ALL \
         SELECT t.name, concat_ws(' ', 'unique', \
           (SELECT group_concat(k.name) FROM pragma_index_info(i.name) k)) \
         FROM sqlite_schema t JOIN pragma_index_list(t.name) i ON i.\"unique\" \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(db)
    .await
    .map_err(DatabaseError::during("list the tables"))?;
    let mut tables = Tables::new();
    for (table, part) in rows {
        tables.entry(table).or_default().insert(part);
    }
    Ok(tables)
}
