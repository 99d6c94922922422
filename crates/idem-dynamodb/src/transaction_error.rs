//! What can go wrong with a transaction.

use aws_sdk_dynamodb::error::BoxError;
use idem_core::{Response, store::EnlistError};

/// Why a transaction did not begin, a write was not taken, or nothing was committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// The transaction cannot end the execution that it was begun in. Nothing was sent.
    #[error(transparent)]
    CannotEnd(#[from] EnlistError),
    /// DynamoDB takes 100 actions a transaction, and the record is one of them.
    #[error("a transaction has at most {most} actions of its own, and this is one more")]
    TooMany {
        /// How many it may have.
        most: usize,
    },
    /// DynamoDB takes one action an item.
    #[error(
        "the transaction has an action on this item already; put the condition into the write that it is about"
    )]
    SameItem,
    /// The condition of an action failed, so nothing was written.
    ///
    /// It comes without a key alone: under one, the library gives the client the answer.
    #[error("the condition of action {position} of the transaction failed, so nothing was written")]
    ConditionFailed {
        /// The action's position, from 0.
        position: usize,
        /// The answer that was given with it.
        answer: Option<Box<Response>>,
    },
    /// Nothing was written: others were in the way each time, or DynamoDB refused.
    #[error("the transaction was not committed")]
    NotCommitted {
        /// Why.
        source: BoxError,
        /// Whether trying again can help.
        can_retry: bool,
    },
    /// Nobody knows whether it was committed.
    #[error("nobody knows whether the transaction was committed: its answer was lost")]
    Unknown {
        /// What happened to the last attempt.
        source: BoxError,
    },
}
