//! A handler's transaction, as both databases have it.

use std::{
    fmt, io,
    ops::{Deref, DerefMut},
};

use idem_core::store::EnlistError;
use sqlx::{Database, Transaction};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

/// A transaction on a connection of the application's pool, which may be dropped anywhere.
///
/// sqlx gives the connection back in a task, and panics where there is no runtime to run it.
pub(crate) struct Rooted<DB: Database> {
    transaction: Option<Transaction<'static, DB>>,
    runtime: Option<Handle>,
}

impl<DB: Database> Rooted<DB> {
    pub(crate) fn new(transaction: Transaction<'static, DB>) -> Self {
        Self {
            transaction: Some(transaction),
            runtime: Handle::try_current().ok(),
        }
    }

    /// Commits, or releases a savepoint that was forgotten; an error says nothing of what became of it.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        match self.transaction.take() {
            Some(transaction) => transaction.commit().await,
            None => Ok(()),
        }
    }

    /// Rolls back, and waits for the answer.
    pub(crate) async fn roll_back(mut self) -> Result<(), sqlx::Error> {
        match self.transaction.take() {
            Some(transaction) => transaction.rollback().await,
            None => Ok(()),
        }
    }
}

const THERE: &str = "a transaction is taken out by its end alone";

impl<DB: Database> Deref for Rooted<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        self.transaction.as_ref().expect(THERE)
    }
}

impl<DB: Database> DerefMut for Rooted<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        self.transaction.as_mut().expect(THERE)
    }
}

impl<DB: Database> Drop for Rooted<DB> {
    fn drop(&mut self) {
        let outside = Handle::try_current().is_err();
        // A runtime that has ended drops the task, and closes the connection with it.
        let _inside = self.runtime.as_ref().filter(|_| outside).map(Handle::enter);
        drop(self.transaction.take());
    }
}

impl<DB: Database> fmt::Debug for Rooted<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooted").finish_non_exhaustive()
    }
}

/// Why a transaction cannot be the end of its execution, as an error that every user of sqlx knows.
pub(crate) fn cannot_end(error: EnlistError) -> sqlx::Error {
    sqlx::Error::Configuration(Box::new(error))
}

/// Waits for an answer of the database, but not for longer.
pub(crate) async fn in_time<T>(
    until: Instant,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = timeout_at(until, call).await;
    answer.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())))
}
