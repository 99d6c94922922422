//! A store with transactions, as the ending cases drive it.

use std::{error::Error, time::Duration};

use idem_core::{CurrentExecution, IdempotencyStore};

/// Why a transaction did not begin or was not handed over; the cases look no further.
pub type TransactionError = Box<dyn Error + Send + Sync>;

/// A store whose transactions end executions, with a table for the effects of the cases.
///
/// No method has a default body: each store says for itself what can be done to it, and a case that is left out
/// for that says so on the standard error output.
///
/// Effects are names that no two tests share. Give the pool that transactions come from fewer than 16
/// connections: a case ends as many transactions in each way, to see that none of them keeps one.
pub trait TransactionalStore: Send + Sync + 'static {
    /// A transaction that was begun in an execution.
    type Transaction: Send + 'static;

    /// The store that has the records.
    fn store(&self) -> impl IdempotencyStore;

    /// Begins a transaction in an execution.
    ///
    /// # Errors
    /// As the store's own, also if no connection is free for seconds.
    fn begin(
        &self,
        current: &CurrentExecution,
    ) -> impl Future<Output = Result<Self::Transaction, TransactionError>> + Send;

    /// Writes an effect, which may be there already, in the transaction.
    fn write(
        &self,
        transaction: &mut Self::Transaction,
        effect: &str,
    ) -> impl Future<Output = ()> + Send;

    /// Hands the transaction over, to be committed with the record.
    ///
    /// # Errors
    /// As the store's own.
    fn hand_over(
        &self,
        transaction: Self::Transaction,
    ) -> impl Future<Output = Result<(), TransactionError>> + Send;

    /// How often an effect was committed, on a connection of its own.
    fn count(&self, effect: &str) -> impl Future<Output = usize> + Send;

    /// Another client of the same records and effects, as another server process has one.
    fn another(&self) -> impl Future<Output = Self> + Send
    where
        Self: Sized;

    /// Whether an open transaction keeps all others from writing, as in SQLite. Cases in which somebody else
    /// writes meanwhile are left out then.
    fn has_one_writer(&self) -> bool;

    /// Lets a statement fail in the transaction, and goes on as if it had not; `false` where nothing fails that
    /// way.
    fn fail(&self, transaction: &mut Self::Transaction) -> impl Future<Output = bool> + Send;

    /// Cuts the connection of the next COMMIT; `false` where there is none, as to a file.
    fn cut(&self, cut: Cut) -> bool;

    /// How many transactions the database has open that [`begin`](Self::begin) began; `None` where it cannot be
    /// asked.
    fn open_transactions(&self) -> impl Future<Output = Option<usize>> + Send;
}

/// Where the connection of a COMMIT breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// After it landed: its answer is lost.
    AnswerLost,
    /// Before it arrived: it never lands.
    NeverArrives,
    /// On its way: it lands after this time, and its answer is lost.
    LandsAfter(Duration),
}
