//! What can be wrong with a database before the first request.

use std::time::Duration;

/// A name of a table or schema that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name must have 1 to {longest} ASCII letters, digits and underscores, and must not begin with a digit"
)]
pub struct InvalidName {
    pub(crate) longest: usize,
}

/// Why a database cannot keep the records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The database failed.
    #[error("could not {action}")]
    Database {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// The database takes no writes.
    #[error(
        "the database takes no writes: {why}; connect to the primary, with a role that may write"
    )]
    ReadOnly {
        /// What makes it read-only.
        why: &'static str,
    },
    /// A table is missing.
    #[error("the table {table} is missing; run the migrations, or let `prepare` create the tables")]
    MissingTable {
        /// The table's full name.
        table: String,
    },
    /// The tables are of another version.
    #[error(
        "the tables have schema version {found}, and this release of idem-sqlx needs {needed}; \
         run its migrations, or use the release that the tables belong to"
    )]
    Version {
        /// What the table of versions says; 0 if it is empty.
        found: i32,
        /// What this release needs.
        needed: i32,
    },
    /// A table would be empty after a crash.
    #[error("the table {table} is unlogged, so a crash empties it; `ALTER TABLE … SET LOGGED`")]
    Unlogged {
        /// The table's full name.
        table: String,
    },
    /// A role lacks a privilege.
    #[error("the role {role} lacks a privilege; `GRANT {privilege} ON {table} TO {role}`")]
    Privilege {
        /// Who lacks it.
        role: String,
        /// On which table.
        table: String,
        /// What is lacking.
        privilege: &'static str,
    },
    /// The store's own connections see other tables than the application's pool does.
    #[error(
        "the store's connections see {store}, but the application's pool sees {pool}; both must see \
         the same tables of the same database"
    )]
    OtherDatabase {
        /// What the store's connections see.
        store: String,
        /// What the application's pool sees.
        pool: String,
    },
    /// The database is in memory, where each connection would have its own.
    #[error("the database is in memory, where records end with the process; use a file")]
    InMemory,
    /// SQLite's log is not a write-ahead log.
    #[error(
        "the database's journal mode is `{found}`, in which readers wait for writers; \
         `PRAGMA journal_mode = WAL`, or let `prepare` set it"
    )]
    NotWal {
        /// The mode it is in.
        found: String,
    },
    /// A schema was named for a database without schemas.
    #[error("SQLite has no schemas; name the tables by `Tables::with_prefix` alone")]
    Schema,
    /// The bound on a call is too short to keep, or bounds nothing.
    #[error("the call timeout is {} ms, and must be from 20 ms to one hour", timeout.as_millis())]
    CallTimeout {
        /// What was asked for.
        timeout: Duration,
    },
}
