//! tokio-postgres, with the pool of deadpool-postgres.
//!
//! `tokio_postgres::Transaction` borrows its client, but an ending must own what it commits. So this takes a
//! client from the pool, and sends BEGIN, COMMIT and ROLLBACK itself. The store wants an sqlx pool besides, for its
//! check at start-up: `PgPool::connect_lazy` is enough.

use std::{borrow::Cow, ops::Deref};

use async_trait::async_trait;
use deadpool_postgres::{Object, Pool};
use idem_core::CurrentExecution;
use idem_sqlx::{PostgresParameters, PostgresStore, PostgresWritten};
use tokio_postgres::{
    Client, Error,
    error::{DbError, Severity},
    types::Type,
};

use crate::{
    BoxError,
    ending::{OpenTransaction, Place, Transaction},
};

/// Begins a transaction on a client of the pool, which is to end the request's execution if there is one.
///
/// # Errors
/// The pool's, the database's, and [`EnlistError`](idem_core::store::EnlistError).
pub async fn begin(
    pool: &Pool,
    store: &PostgresStore,
    current: Option<&CurrentExecution>,
) -> Result<Transaction<OpenClient>, BoxError> {
    let place = Place::reserve(store, current)?;
    let client = OpenClient(Some(pool.get().await?));
    let begin = format!("BEGIN; {}", place.enlistment.mark());
    client.batch_execute(&begin).await?;
    Ok(place.begun(client))
}

/// A client with an open transaction. Dropped, it closes its connection, and the server rolls back.
#[derive(Debug)]
pub struct OpenClient(Option<Object>);

#[async_trait]
impl OpenTransaction for OpenClient {
    type Error = Error;

    async fn complete(
        &self,
        statement: &str,
        parameters: &PostgresParameters,
    ) -> Result<PostgresWritten, Error> {
        let parameters: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] = &[
            (&parameters.key(), Type::BYTEA),
            (&parameters.owner(), Type::BYTEA),
            (&parameters.record(), Type::BYTEA),
            (&parameters.retention_us(), Type::INT8),
            (&parameters.patience_ms(), Type::TEXT),
            (&parameters.mark(), Type::TEXT),
        ];
        let row = self.query_typed_one(statement, parameters).await?;
        Ok(PostgresWritten::read(
            row.try_get("open")?,
            row.try_get("over")?,
            row.try_get("outermost")?,
        ))
    }

    async fn commit(mut self, _nested: bool) -> Result<(), Error> {
        self.batch_execute("COMMIT").await?;
        drop(self.0.take());
        Ok(())
    }

    async fn roll_back(mut self) -> Result<(), Error> {
        self.batch_execute("ROLLBACK").await?;
        drop(self.0.take());
        Ok(())
    }

    async fn check(&self) -> Result<(), Error> {
        self.batch_execute("SELECT").await
    }

    fn sqlstate(error: &Error) -> Option<Cow<'_, str>> {
        error.code().map(|code| code.code().into())
    }

    fn is_answer(error: &Error) -> bool {
        error.as_db_error().and_then(DbError::parsed_severity) == Some(Severity::Error)
    }
}

impl Deref for OpenClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.0.as_ref().expect("it is taken out at the end alone")
    }
}

impl Drop for OpenClient {
    fn drop(&mut self) {
        // Out of the pool, not back into it.
        drop(self.0.take().map(Object::take));
    }
}
