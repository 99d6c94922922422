//! What the two drivers are asked for here.

use any_driver::{
    BoxError,
    ending::{OpenTransaction, Transaction},
};
use deadpool_postgres::{Manager, Pool};
use idem_core::CurrentExecution;
use idem_sqlx::PostgresStore;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio_postgres::NoTls;

use crate::effects::options;

/// More than a test has open at once, and fewer than the tests of connections begin.
const CONNECTIONS: usize = 4;

pub(crate) trait Driver: Send + Sync + 'static {
    type Open: OpenTransaction;

    /// An application's pool, by this port and under this name.
    fn new(port: u16, name: &str) -> Self;

    /// The pool to make the store from.
    fn pool(&self) -> PgPool;

    fn begin(
        &self,
        store: &PostgresStore,
        current: Option<&CurrentExecution>,
    ) -> impl Future<Output = Result<Transaction<Self::Open>, BoxError>> + Send;

    fn execute(open: &Self::Open, sql: &str) -> impl Future<Output = Result<(), BoxError>> + Send;
}

pub(crate) struct TokioPostgres(Pool);

impl Driver for TokioPostgres {
    type Open = any_driver::tokio_postgres::OpenClient;

    fn new(port: u16, name: &str) -> Self {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(port).user("postgres");
        config.dbname("postgres").application_name(name);
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(CONNECTIONS);
        Self(pool.build().unwrap())
    }

    fn pool(&self) -> PgPool {
        PgPoolOptions::new().connect_lazy_with(options())
    }

    async fn begin(
        &self,
        store: &PostgresStore,
        current: Option<&CurrentExecution>,
    ) -> Result<Transaction<Self::Open>, BoxError> {
        any_driver::tokio_postgres::begin(&self.0, store, current).await
    }

    async fn execute(open: &Self::Open, sql: &str) -> Result<(), BoxError> {
        Ok(open.batch_execute(sql).await?)
    }
}

pub(crate) struct SeaOrm(DatabaseConnection);

impl Driver for SeaOrm {
    type Open = any_driver::sea_orm::Open;

    fn new(port: u16, name: &str) -> Self {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS.try_into().unwrap());
        let options = options().port(port).application_name(name);
        Self(pool.connect_lazy_with(options).into())
    }

    fn pool(&self) -> PgPool {
        self.0.get_postgres_connection_pool().clone()
    }

    async fn begin(
        &self,
        store: &PostgresStore,
        current: Option<&CurrentExecution>,
    ) -> Result<Transaction<Self::Open>, BoxError> {
        any_driver::sea_orm::begin(&self.0, store, current).await
    }

    async fn execute(open: &Self::Open, sql: &str) -> Result<(), BoxError> {
        open.execute_unprepared(sql).await?;
        Ok(())
    }
}
