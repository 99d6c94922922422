//! The databases: a PostgreSQL and a Redis started for this run, and files of SQLite, on the disk of the temporary
//! folder.

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use test_servers::{Postgres, Redis};

use crate::{
    AnyError, cpu,
    service::Service,
    variant::{Database, Variant},
};

/// All variants together keep more connections open than PostgreSQL's own default allows.
const MANY: &str = "max_connections=400";

/// Redis appends each write to a file and flushes it once a second, as its documentation advises.
const APPEND: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

/// Where all variants find their database.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) server: Postgres,
    /// Its first process.
    pub(crate) postmaster: u32,
    pub(crate) redis: Redis,
    pub(crate) redis_process: u32,
    folder: TempDir,
}

impl Places {
    /// Starts Redis, and PostgreSQL with these settings beside its own defaults.
    pub(crate) async fn prepare(settings: &[&str]) -> Result<Self, AnyError> {
        let server = Postgres::start_with(&[settings, &[MANY]].concat())?;
        let mut connection = PgConnection::connect(&server.url("postgres")).await?;
        let orders = "CREATE TABLE orders (id bigserial PRIMARY KEY, item text NOT NULL)";
        sqlx::raw_sql(orders).execute(&mut connection).await?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await?;
        let postmaster = cpu::parent(backend.try_into()?).ok_or("PostgreSQL is not in /proc")?;
        let redis = Redis::start_with(&APPEND)?;
        let info = redis.command(&["INFO", "server"])?;
        let process = info
            .lines()
            .find_map(|line| line.strip_prefix("process_id:"));
        let redis_process = process.ok_or("Redis names no process")?.trim().parse()?;
        Ok(Self {
            server,
            postmaster,
            redis,
            redis_process,
            folder: tempfile::Builder::new().prefix("idem-sqlite-").tempdir()?,
        })
    }

    /// Where the service of this variant is to go.
    pub(crate) fn service(&self, variant: Variant) -> Service {
        Service::new(variant, self.of(variant), self.redis.url())
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
