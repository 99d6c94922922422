//! The databases: a PostgreSQL started for this run, and files of SQLite, on the disk of the temporary folder.

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use test_servers::Postgres;

use crate::{
    AnyError, cpu,
    variant::{Database, Variant},
};

/// Where all variants find their database.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) server: Postgres,
    /// Its first process.
    pub(crate) postmaster: u32,
    folder: TempDir,
}

impl Places {
    /// Starts PostgreSQL with these settings, beside its own defaults.
    pub(crate) async fn prepare(settings: &[&str]) -> Result<Self, AnyError> {
        let server = Postgres::start_with(settings)?;
        let mut connection = PgConnection::connect(&server.url("postgres")).await?;
        let orders = "CREATE TABLE orders (id bigserial PRIMARY KEY, item text NOT NULL)";
        sqlx::raw_sql(orders).execute(&mut connection).await?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await?;
        let postmaster = cpu::parent(backend.try_into()?).ok_or("PostgreSQL is not in /proc")?;
        Ok(Self {
            server,
            postmaster,
            folder: tempfile::Builder::new().prefix("idem-sqlite-").tempdir()?,
        })
    }

    /// The URL of PostgreSQL's database, or a file that this variant alone writes to.
    pub(crate) fn of(&self, variant: Variant) -> String {
        match variant.database {
            Database::Postgres => self.server.url("postgres"),
            Database::Sqlite => {
                let file = format!("{}.db", variant.record);
                self.folder.path().join(file).display().to_string()
            }
        }
    }
}
