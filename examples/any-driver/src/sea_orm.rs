//! sea-orm 2. Its pool is sqlx's, so the store is `PostgresStore::builder(database.get_postgres_connection_pool())`.

use std::{borrow::Cow, ops::Deref};

use async_trait::async_trait;
use idem_core::CurrentExecution;
use idem_sqlx::{PostgresParameters, PostgresStore, PostgresWritten};
use sea_orm::sqlx::postgres::{PgDatabaseError, PgSeverity};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqlxError, Statement, TransactionTrait, Value,
};
use tokio::runtime::Handle;

use crate::{
    BoxError,
    ending::{OpenTransaction, Place, Transaction},
};

/// Begins a transaction, which is to end the request's execution if there is one.
///
/// # Errors
/// The database's, and [`EnlistError`](idem_core::store::EnlistError).
pub async fn begin(
    database: &DatabaseConnection,
    store: &PostgresStore,
    current: Option<&CurrentExecution>,
) -> Result<Transaction<Open>, BoxError> {
    let place = Place::reserve(store, current)?;
    // In a task, since sqlx 0.9.0 rolls nothing back if this is given up while BEGIN is on its way (sqlx #4393).
    let database = database.clone();
    let begun = tokio::spawn(async move { database.begin().await }).await??;
    let open = Open(Some(begun), Handle::current());
    open.execute_unprepared(&place.enlistment.mark()).await?;
    Ok(place.begun(open))
}

/// An open transaction. sqlx gives its connection back in a task, and panics where there is no runtime for it.
#[derive(Debug)]
pub struct Open(Option<DatabaseTransaction>, Handle);

#[async_trait]
impl OpenTransaction for Open {
    type Error = DbErr;

    async fn complete(
        &self,
        statement: &str,
        parameters: &PostgresParameters,
    ) -> Result<PostgresWritten, DbErr> {
        let values: [Value; 6] = [
            parameters.key().into(),
            parameters.owner().into(),
            parameters.record().into(),
            parameters.retention_us().into(),
            parameters.patience_ms().into(),
            parameters.mark().into(),
        ];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, statement, values);
        let row = self.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("the completion's row".into()))?;
        Ok(PostgresWritten::read(
            row.try_get_by("open")?,
            row.try_get_by("over")?,
            row.try_get_by("outermost")?,
        ))
    }

    async fn commit(mut self, nested: bool) -> Result<(), DbErr> {
        match self.0.take() {
            // sea-orm would release the savepoint, and call that a commit.
            Some(open) if nested => open.execute_unprepared("COMMIT").await.map(drop),
            Some(open) => open.commit().await,
            None => Ok(()),
        }
    }

    async fn roll_back(mut self) -> Result<(), DbErr> {
        match self.0.take() {
            Some(open) => open.rollback().await,
            None => Ok(()),
        }
    }

    async fn check(&self) -> Result<(), DbErr> {
        self.execute_unprepared("SELECT").await.map(drop)
    }

    fn sqlstate(error: &DbErr) -> Option<Cow<'_, str>> {
        of_sqlx(error)?.as_database_error()?.code()
    }

    fn is_answer(error: &DbErr) -> bool {
        let of_server = of_sqlx(error).and_then(SqlxError::as_database_error);
        let of_server = of_server.and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
        of_server.is_some_and(|error| error.severity() == PgSeverity::Error)
    }
}

fn of_sqlx(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

impl Deref for Open {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        self.0.as_ref().expect("it is taken out at the end alone")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _inside = self.1.enter();
        drop(self.0.take());
    }
}
