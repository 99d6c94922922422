//! The flags as a database.

use std::sync::Arc;

use crate::cli::{Cli, Place, Secret};
#[cfg(feature = "postgres")]
use crate::database::postgres::PostgresError;
use crate::database::sqlite::{FileError, SqliteFile};
use crate::database::{Database, DatabaseError};

/// Opens what the flags name, and creates it if it is missing.
///
/// # Errors
/// It cannot be used, or this build has no such database.
///
/// # Cancel safety
/// Safe: what was begun is found by the next call.
pub(super) async fn open(cli: &Cli) -> Result<Arc<dyn Database>, OpenError> {
    if let Some(name) = &cli.dynamodb_table {
        return table(name, cli).await;
    }
    match &cli.database {
        Place::File(path) => {
            let file = SqliteFile::open(path, cli.lease).await;
            let file = file.map_err(|source| OpenError::File {
                path: path.display().to_string(),
                source,
            })?;
            Ok(Arc::new(file))
        }
        Place::Postgres(url) => postgres(url, cli).await,
    }
}

#[cfg(feature = "postgres")]
async fn postgres(url: &Secret, cli: &Cli) -> Result<Arc<dyn Database>, OpenError> {
    use crate::database::postgres::{PostgresDatabase, shown};

    let database = PostgresDatabase::open(url.reveal(), cli.lease).await;
    let database = database.map_err(|source| OpenError::Postgres {
        url: shown(url.reveal()),
        source,
    })?;
    Ok(Arc::new(database))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "it stands in for one that is")]
async fn postgres(_: &Secret, _: &Cli) -> Result<Arc<dyn Database>, OpenError> {
    Err(OpenError::PostgresNotBuilt)
}

#[cfg(feature = "dynamodb")]
async fn table(name: &str, cli: &Cli) -> Result<Arc<dyn Database>, OpenError> {
    let table = crate::database::dynamodb::DynamoTable::open(name, cli.lease).await;
    let table = table.map_err(|source| OpenError::Table {
        name: name.to_owned(),
        source,
    })?;
    Ok(Arc::new(table))
}

#[cfg(not(feature = "dynamodb"))]
#[expect(clippy::unused_async, reason = "it stands in for one that is")]
async fn table(_: &str, _: &Cli) -> Result<Arc<dyn Database>, OpenError> {
    Err(OpenError::NotBuilt)
}

/// Why the market's data have no place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file could not be opened.
    #[error("cannot use the database {path}")]
    File {
        /// What was asked for.
        path: String,
        /// What went wrong.
        source: FileError,
    },
    /// The server could not be asked, or its database is not the market's.
    #[cfg(feature = "postgres")]
    #[error("cannot use the database {url}")]
    Postgres {
        /// What was asked for, without its password.
        url: String,
        /// What went wrong.
        source: PostgresError,
    },
    /// This build has no PostgreSQL.
    #[error("this build has no PostgreSQL")]
    PostgresNotBuilt,
    /// The table could not be opened.
    #[error("cannot use the DynamoDB table {name}")]
    Table {
        /// What was asked for.
        name: String,
        /// What went wrong.
        source: DatabaseError,
    },
    /// This build has no DynamoDB.
    #[error("this build has no DynamoDB")]
    NotBuilt,
}

impl OpenError {
    /// What to try, for a terminal.
    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::File { source, .. } => source.advice(),
            #[cfg(feature = "postgres")]
            Self::Postgres { source, .. } => source.advice(),
            Self::PostgresNotBuilt => {
                "build with `--features postgres`, or name a file with --database"
            }
            Self::Table { .. } => {
                "check AWS_REGION, the credentials and what their role may do, or leave \
                 --dynamodb-table out"
            }
            Self::NotBuilt => "build with `--features dynamodb`, or leave --dynamodb-table out",
        }
    }
}
