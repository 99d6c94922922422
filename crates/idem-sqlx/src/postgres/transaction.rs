//! A handler's transaction, begun on the application's pool.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use idem_core::{
    CurrentExecution,
    store::{Renewals, Reservation},
};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, SqlSafeStr};
use tracing::Instrument;

use super::{ending::PostgresEnding, enlistment::PostgresEnlistment, store::PostgresStore};
use crate::transaction::{Rooted, cannot_end};

/// A transaction on a connection of the application's pool, whose effect and the record of the response
/// are one commit.
///
/// It dereferences to sqlx's connection: give `&mut *transaction` to a query. Dropped before
/// [`commit_with_response`](Self::commit_with_response) it rolls back, as sqlx's does.
#[must_use = "it rolls back when it is dropped"]
pub struct PostgresTransaction {
    transaction: Rooted<Postgres>,
    /// Under a key, the place of the execution's end.
    place: Option<Reservation>,
    enlistment: PostgresEnlistment,
}

impl PostgresStore {
    /// Begins a transaction on a connection of the application's pool. 1 round trip, as with sqlx.
    ///
    /// Under a key, `current` is the execution that the transaction is to end: take it from the
    /// request's extensions. Without a key it is `None`, and the transaction is sqlx's own.
    ///
    /// # Errors
    /// The pool's and the database's. [`sqlx::Error::Configuration`] with an
    /// [`EnlistError`](idem_core::store::EnlistError) as its source if the transaction cannot end
    /// the execution: nothing was sent then.
    ///
    /// # Cancel safety
    /// Safe: what was begun is rolled back.
    pub async fn begin(
        &self,
        current: Option<&CurrentExecution>,
    ) -> Result<PostgresTransaction, sqlx::Error> {
        self.begin_with(current, "BEGIN").await
    }

    /// As [`begin`](Self::begin), by a statement of the application's, such as
    /// `BEGIN ISOLATION LEVEL SERIALIZABLE`.
    ///
    /// # Errors
    /// As those of `begin`, and [`sqlx::Error::BeginFailed`] if the statement begins no transaction.
    ///
    /// # Cancel safety
    /// Safe: what was begun is rolled back.
    pub async fn begin_with(
        &self,
        current: Option<&CurrentExecution>,
        statement: impl SqlSafeStr,
    ) -> Result<PostgresTransaction, sqlx::Error> {
        let enlistment = self.enlistment();
        let place = current
            .map(|current| current.reserve(enlistment.identity(), Renewals::GoOn))
            .transpose()
            .map_err(cannot_end)?;
        let begin = format!(
            "{}\n; {}",
            statement.into_sql_str().as_str(),
            enlistment.mark()
        );
        // The statement is the application's, and the mark has hexadecimal digits.
        let begin = AssertSqlSafe(begin);
        // sqlx 0.9.0 counts a transaction when BEGIN is answered, and rolls back none that it has not counted: the
        // connection of a call that is given up before that would go back to the pool in an open transaction (sqlx
        // #4393). A task is not given up.
        let pool = self.inner().pool().clone();
        let beginning = async move { pool.begin_with(begin).await.map(Rooted::new) };
        let begun = tokio::spawn(beginning.in_current_span()).await;
        let transaction = begun.map_err(|_| sqlx::Error::WorkerCrashed)??;
        Ok(PostgresTransaction {
            transaction,
            place,
            enlistment,
        })
    }
}

impl PostgresTransaction {
    /// Hands the transaction over, to be committed together with the record of the response. It is the
    /// handler's last line for the database: read back before it.
    ///
    /// Under a key nothing is sent now. Once the response is known, and before its first byte leaves,
    /// the record is written and the transaction committed; if the handler fails, or its response is not
    /// kept, the transaction is rolled back. Without a key it is committed now, in 2 round trips: the
    /// first finds out whether a statement failed whose error was dropped, after which PostgreSQL's COMMIT
    /// would roll back and say nothing.
    ///
    /// # Errors
    /// The database's, without a key. Under a key, [`sqlx::Error::Configuration`] if the handler has returned
    /// by now. The transaction is rolled back, unless the connection broke at COMMIT.
    ///
    /// # Cancel safety
    /// Not cancel safe without a key: the commit may have landed.
    pub async fn commit_with_response(self) -> Result<(), sqlx::Error> {
        match self.place {
            Some(place) => {
                let ending = PostgresEnding::new(self.transaction, self.enlistment);
                place.enlist(ending).map_err(cannot_end)
            }
            None => commit_now(self.transaction, self.enlistment.plain_mark()).await,
        }
    }

    /// Rolls back, and waits until that has ended. Dropping it rolls back too, and does not wait.
    ///
    /// # Errors
    /// The database's. Nothing is committed.
    ///
    /// # Cancel safety
    /// Safe: nothing is committed.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.transaction.roll_back().await
    }
}

async fn commit_now(mut transaction: Rooted<Postgres>, mark: &str) -> Result<(), sqlx::Error> {
    let asking = sqlx::query(
        "SELECT current_setting('idem.transaction', true) = 'open ' || $1 AS open,
                current_setting('idem.transaction', true) = 'over ' || $1 AS committed",
    )
    .bind(mark)
    .persistent(false)
    .fetch_one(&mut *transaction);
    let found = asking.await?;
    let says = |column| -> Result<bool, sqlx::Error> {
        Ok(found.try_get::<Option<bool>, _>(column)? == Some(true))
    };
    if !says("open")? {
        if !says("committed")? {
            let why =
                "a handler rolled the transaction back, by SQL of its own, and then handed it over";
            return Err(sqlx::Error::Protocol(why.to_owned()));
        }
        tracing::error!(
            "a handler ended the transaction that the store began, by SQL of its own; it must leave that to \
             `commit_with_response`"
        );
    }
    transaction.commit().await
}

impl Deref for PostgresTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for PostgresTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl AsMut<PgConnection> for PostgresTransaction {
    fn as_mut(&mut self) -> &mut PgConnection {
        self
    }
}

impl fmt::Debug for PostgresTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTransaction")
            .field("under_a_key", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
