//! A transaction of any driver as the end of its execution.

use std::{borrow::Cow, error::Error, fmt::Debug, ops::Deref, time::Duration};

use async_trait::async_trait;
use idem_core::CurrentExecution;
use idem_core::store::{
    Commit, Completion, Ending, EnlistError, Operation, Renewals, Reservation, RolledBack,
    StoreError, StoreErrorKind, WriteEffect,
};
use idem_sqlx::{PostgresEnlistment, PostgresParameters, PostgresStore, PostgresWritten};
use tokio::time::{Instant, timeout_at};

use crate::BoxError;

/// An open transaction, as its driver has it. Dropped, it rolls back, also outside a runtime.
#[async_trait]
pub trait OpenTransaction: Debug + Send + Sync + Sized + 'static {
    /// The driver's.
    type Error: Error + Send + Sync;

    /// Sends the completing statement, and reads its row.
    async fn complete(
        &self,
        statement: &str,
        parameters: &PostgresParameters,
    ) -> Result<PostgresWritten, Self::Error>;

    /// Commits the whole transaction; `nested` says that a savepoint in it is still open.
    async fn commit(self, nested: bool) -> Result<(), Self::Error>;

    /// Rolls the whole transaction back.
    async fn roll_back(self) -> Result<(), Self::Error>;

    /// Sends a statement that fails if an earlier one has failed. COMMIT would succeed, and roll back.
    async fn check(&self) -> Result<(), Self::Error>;

    /// The SQLSTATE of an error that the server sent.
    fn sqlstate(error: &Self::Error) -> Option<Cow<'_, str>>;

    /// Whether the server sent it with the severity ERROR: the session goes on, and the statement did nothing.
    fn is_answer(error: &Self::Error) -> bool;
}

/// What a transaction needs before it is begun.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) enlistment: PostgresEnlistment,
    /// Under a key, the place of the execution's end.
    reservation: Option<Reservation>,
}

impl Place {
    /// Reserves it. An execution that the transaction cannot end is refused here, before any effect.
    pub(crate) fn reserve(
        store: &PostgresStore,
        current: Option<&CurrentExecution>,
    ) -> Result<Self, EnlistError> {
        let enlistment = store.enlistment();
        let reserve =
            |current: &CurrentExecution| current.reserve(enlistment.identity(), Renewals::GoOn);
        Ok(Self {
            reservation: current.map(reserve).transpose()?,
            enlistment,
        })
    }

    pub(crate) const fn begun<T>(self, open: T) -> Transaction<T> {
        Transaction { open, place: self }
    }
}

/// A handler's transaction. It dereferences to the driver's.
#[derive(Debug)]
#[must_use = "it rolls back when it is dropped"]
pub struct Transaction<T> {
    open: T,
    place: Place,
}

impl<T: OpenTransaction> Transaction<T> {
    /// Hands the transaction over, or commits it now if the request has no key.
    ///
    /// # Errors
    /// The driver's, and [`EnlistError`].
    pub async fn commit_with_response(self) -> Result<(), BoxError> {
        let Place {
            enlistment,
            reservation,
        } = self.place;
        match reservation {
            Some(reservation) => Ok(reservation.enlist(HandedOver(self.open, enlistment))?),
            None => {
                self.open.check().await?;
                Ok(self.open.commit(false).await?)
            }
        }
    }
}

impl<T> Deref for Transaction<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.open
    }
}

#[derive(Debug)]
struct HandedOver<T>(T, PostgresEnlistment);

#[async_trait]
impl<T: OpenTransaction> Ending for HandedOver<T> {
    async fn commit(self: Box<Self>, completion: Completion<'_>) -> Commit {
        let Self(open, enlistment) = *self;
        let (now, patience) = (Instant::now(), completion.patience());
        let until = now + patience;
        let parameters = enlistment.parameters(&completion);
        let completing = open.complete(enlistment.completion(), &parameters);
        let undone = match in_time(now + patience / 2, completing).await {
            Ok(PostgresWritten::InTransaction { nested }) => {
                return committed::<T>(in_time(until, open.commit(nested)).await, &enlistment);
            }
            // The handler had committed by itself, so its effect and its record are not one. Log that.
            Ok(PostgresWritten::AfterCommit) => {
                return committed::<T>(in_time(until, open.commit(false)).await, &enlistment);
            }
            Ok(PostgresWritten::AfterRollback) => {
                Some(RolledBack::for_good().with_source("the handler rolled back by itself"))
            }
            Ok(PostgresWritten::Lost) => None,
            Err(error) => Some(why::<T>(error)),
        };
        match (undone, in_time(until, open.roll_back()).await) {
            (None, Ok(())) => Commit::Lost,
            (Some(undone), Ok(())) => Commit::RolledBack(undone),
            // It may still hold the record's row, so the key is left to its lease.
            (None, Err(error)) => Commit::RolledBack(why::<T>(error).unheard()),
            (Some(undone), Err(_)) => Commit::RolledBack(undone.unheard()),
        }
    }

    async fn roll_back(self: Box<Self>) -> Result<(), StoreError> {
        let until = Instant::now() + Duration::from_secs(1);
        let rolled_back = in_time(until, self.0.roll_back()).await;
        rolled_back.map_err(|error| failed(Operation::Release, WriteEffect::None, error))
    }
}

fn committed<T: OpenTransaction>(
    answer: Result<(), BoxError>,
    enlistment: &PostgresEnlistment,
) -> Commit {
    match answer {
        Ok(()) => Commit::Committed,
        Err(error) if error.downcast_ref().is_some_and(T::is_answer) => {
            Commit::RolledBack(why::<T>(error))
        }
        // COMMIT was sent, and nobody knows whether it landed.
        Err(error) => Commit::Unknown(
            failed(Operation::Complete, WriteEffect::Unknown, error),
            enlistment.question(),
        ),
    }
}

async fn in_time<T, E: Into<BoxError>>(
    until: Instant,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    timeout_at(until, call).await?.map_err(Into::into)
}

fn why<T: OpenTransaction>(error: BoxError) -> RolledBack {
    let sqlstate = error.downcast_ref().and_then(T::sqlstate);
    PostgresEnlistment::rolled_back(sqlstate.as_deref()).with_source(error)
}

fn failed(operation: Operation, effect: WriteEffect, error: BoxError) -> StoreError {
    StoreError::new(operation, StoreErrorKind::Unavailable, effect).with_source(error)
}
