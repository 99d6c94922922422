//! A handler's transaction as the end of its execution.

use std::io;

use async_trait::async_trait;
use idem_core::store::{
    Commit, Completion, Ending, Operation, RolledBack, StoreError, WriteEffect,
};
use sqlx::{Postgres, postgres::PgSeverity};
use tokio::time::Instant;

use super::{
    connection::severity,
    enlistment::{PostgresEnlistment, PostgresWritten},
    error::{helps_to_retry, meaning},
};
use crate::transaction::{Rooted, in_time};

/// A handler's transaction that was handed over.
#[derive(Debug)]
pub(super) struct PostgresEnding {
    transaction: Rooted<Postgres>,
    enlistment: PostgresEnlistment,
}

impl PostgresEnding {
    pub(super) const fn new(transaction: Rooted<Postgres>, enlistment: PostgresEnlistment) -> Self {
        Self {
            transaction,
            enlistment,
        }
    }

    /// Writes the record, and waits for the answer: COMMIT is sent only after it.
    async fn write(
        &mut self,
        completion: &Completion<'_>,
        until: Instant,
    ) -> Result<PostgresWritten, sqlx::Error> {
        let parameters = self.enlistment.parameters(completion);
        let statements = self.enlistment.store().statements();
        let writing = statements.complete_enlisted(&mut *self.transaction, &parameters);
        in_time(until, writing).await
    }

    /// Rolls back after something went wrong, and says so as the answer.
    async fn undo(self, why: RolledBack, until: Instant) -> Commit {
        Commit::RolledBack(match roll_back(self.transaction, until).await {
            Ok(()) => why,
            Err(_) => why.unheard(),
        })
    }

    async fn commit_now(self, nested: bool, until: Instant) -> Commit {
        let Self {
            mut transaction,
            enlistment,
        } = self;
        let committed = if nested {
            // sqlx would release a savepoint that is still open, and call that a commit.
            let commit = sqlx::raw_sql("COMMIT").execute(&mut *transaction);
            in_time(until, commit).await.map(drop)
        } else {
            in_time(until, transaction.commit()).await
        };
        match committed {
            Ok(()) => Commit::Committed,
            // The server's answer to COMMIT is that it has rolled back.
            Err(error) if severity(&error) == Some(PgSeverity::Error) => {
                Commit::RolledBack(why(error))
            }
            Err(error) => Commit::Unknown(in_doubt(error), enlistment.question()),
        }
    }
}

#[async_trait]
impl Ending for PostgresEnding {
    async fn commit(mut self: Box<Self>, completion: Completion<'_>) -> Commit {
        let now = Instant::now();
        let until = now + completion.patience();
        let written = self.write(&completion, now + completion.patience() / 2);
        match written.await {
            Ok(PostgresWritten::InTransaction { nested }) => self.commit_now(nested, until).await,
            Ok(PostgresWritten::AfterCommit) => {
                tracing::error!(
                    record_key = %completion.key(),
                    "a handler committed by SQL of its own, so its effect and its record were not one; it \
                     must leave that to `commit_with_response`"
                );
                self.commit_now(false, until).await
            }
            Ok(PostgresWritten::AfterRollback) => {
                tracing::error!(
                    record_key = %completion.key(),
                    "a handler rolled back by SQL of its own, and then handed the transaction over; it must \
                     drop it instead"
                );
                let over = RolledBack::for_good().with_source(
                    "the transaction was over, and not committed, when it was handed over",
                );
                self.undo(over, until).await
            }
            Ok(PostgresWritten::Lost) => match roll_back(self.transaction, until).await {
                Ok(()) => Commit::Lost,
                Err(error) => Commit::RolledBack(why(error).unheard()),
            },
            Err(error) => self.undo(why(error), until).await,
        }
    }

    async fn roll_back(self: Box<Self>) -> Result<(), StoreError> {
        let until = Instant::now() + self.enlistment.store().call_timeout();
        let rolled_back = roll_back(self.transaction, until).await;
        rolled_back.map_err(|error| {
            let (kind, _) = meaning(&error);
            StoreError::new(Operation::Release, kind, WriteEffect::None).with_source(error)
        })
    }
}

/// Rolls back, and answers once that is over.
async fn roll_back(transaction: Rooted<Postgres>, until: Instant) -> Result<(), sqlx::Error> {
    match in_time(until, transaction.roll_back()).await {
        Err(error) if is_closed(&error) => Ok(()),
        answer => answer,
    }
}

/// Whether the session is over. The server rolls back before it closes a connection, and where something
/// between cut it, the COMMIT that was not sent cannot arrive any more.
fn is_closed(error: &sqlx::Error) -> bool {
    use io::ErrorKind as Kind;
    match error {
        sqlx::Error::Io(error) => matches!(
            error.kind(),
            Kind::UnexpectedEof
                | Kind::ConnectionReset
                | Kind::ConnectionAborted
                | Kind::BrokenPipe
        ),
        error => matches!(severity(error), Some(PgSeverity::Fatal | PgSeverity::Panic)),
    }
}

/// Says why a transaction did not commit, and whether trying again can help.
fn why(error: sqlx::Error) -> RolledBack {
    let why = match helps_to_retry(&error) {
        true => RolledBack::for_now(),
        false => RolledBack::for_good(),
    };
    why.with_source(error)
}

fn in_doubt(error: sqlx::Error) -> StoreError {
    let (kind, _) = meaning(&error);
    StoreError::new(Operation::Complete, kind, WriteEffect::Unknown).with_source(error)
}
