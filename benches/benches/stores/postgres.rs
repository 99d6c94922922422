//! PostgreSQL as the system's package has it, flushed at each commit.

use idem_sqlx::PostgresStore;
use sqlx::postgres::PgPoolOptions;
use test_servers::Postgres;
use tokio::runtime::Runtime;

use super::{AnyError, Opened};

pub(super) fn open(runtime: &Runtime) -> Result<Opened, AnyError> {
    let server = Postgres::start()?;
    let store = runtime.block_on(async {
        let pool = PgPoolOptions::new()
            .connect(&server.url("postgres"))
            .await?;
        Ok::<_, AnyError>(PostgresStore::builder(&pool).prepare().await?)
    })?;
    Ok(Opened::behind(store, server))
}
