//! A handler's transaction: writes that are collected, and sent together with the record.

use std::{fmt, sync::Arc};

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, Update};
use idem_core::{
    CurrentExecution, Response,
    store::{Renewals, Reservation},
};
use tokio::time::Instant;

use crate::{
    DynamoDbStore, TransactionError,
    actions::{Actions, MOST},
    ending::DynamoDbEnding,
    sending::{PATIENCE, Sent, Transaction},
    store::Inner,
};

/// Writes of a handler that take effect together with the record of its response, or not at all.
///
/// Nothing is sent before [`commit_with_response`](Self::commit_with_response): DynamoDB has no transaction
/// that stays open. What was collected is forgotten when this is dropped.
#[must_use = "nothing is written unless it is committed"]
pub struct DynamoDbTransaction {
    store: Arc<Inner>,
    actions: Actions,
    /// Under a key, the place of the execution's end.
    place: Option<Reservation>,
}

/// A write that a transaction has taken.
#[derive(Debug)]
pub struct Collected<'a>(&'a mut Option<Response>);

impl Collected<'_> {
    /// Says what the client gets if the condition of this write fails: nothing is written then, and the key is
    /// free. Without it the client gets 500. If several conditions fail, the first of them answers.
    pub fn or_answer(self, answer: Response) {
        let Self(place) = self;
        *place = Some(answer);
    }
}

impl DynamoDbStore {
    /// Begins to collect writes. No round trip.
    ///
    /// Under a key, `current` is the execution that the transaction is to end: take it from the request's
    /// extensions. Without a key it is `None`.
    ///
    /// # Errors
    /// [`TransactionError::CannotEnd`]: it has another store than the layer's, another transaction, or its
    /// lease has travelled.
    pub fn begin(
        &self,
        current: Option<&CurrentExecution>,
    ) -> Result<DynamoDbTransaction, TransactionError> {
        let store = Arc::clone(self.inner());
        let place = current
            .map(|current| current.reserve(store.identity, Renewals::GoOn))
            .transpose()?;
        Ok(DynamoDbTransaction {
            store,
            actions: Actions::default(),
            place,
        })
    }
}

impl DynamoDbTransaction {
    /// Collects a `Put`.
    ///
    /// # Errors
    /// [`TransactionError::TooMany`] and [`TransactionError::SameItem`]; it was not taken.
    pub fn put(&mut self, put: Put) -> Result<Collected<'_>, TransactionError> {
        let most = self.most();
        let answer = self.actions.put(put, &self.store.table, most)?;
        Ok(Collected(answer))
    }

    /// Collects an `Update`.
    ///
    /// # Errors
    /// As those of [`put`](Self::put).
    pub fn update(&mut self, update: Update) -> Result<Collected<'_>, TransactionError> {
        let most = self.most();
        Ok(Collected(self.actions.update(update, most)?))
    }

    /// Collects a `Delete`.
    ///
    /// # Errors
    /// As those of [`put`](Self::put).
    pub fn delete(&mut self, delete: Delete) -> Result<Collected<'_>, TransactionError> {
        let most = self.most();
        Ok(Collected(self.actions.delete(delete, most)?))
    }

    /// Collects a `ConditionCheck`, which writes nothing, and lets nothing be written if its condition fails.
    ///
    /// # Errors
    /// As those of [`put`](Self::put).
    pub fn check(&mut self, check: ConditionCheck) -> Result<Collected<'_>, TransactionError> {
        let most = self.most();
        Ok(Collected(self.actions.check(check, most)?))
    }

    /// How many actions are the handler's: under a key, the record is one.
    const fn most(&self) -> usize {
        if self.place.is_some() { MOST - 1 } else { MOST }
    }

    /// Hands the writes over, to be committed together with the record of the response.
    ///
    /// Under a key nothing is sent now. Once the response is known, and before its first byte leaves, one
    /// `TransactWriteItems` has these writes and the record, in 1 round trip, or 2 for a response of more than
    /// 1 KB. If the handler fails, or its response is not to be kept, nothing is sent. Without a key they are
    /// committed now, in 1 round trip.
    ///
    /// # Errors
    /// Under a key, [`TransactionError::CannotEnd`] if the handler has returned by now. Without a key,
    /// [`TransactionError::ConditionFailed`], [`TransactionError::NotCommitted`] or
    /// [`TransactionError::Unknown`].
    ///
    /// # Cancel safety
    /// Not cancel safe without a key: the writes may have landed.
    pub async fn commit_with_response(self) -> Result<(), TransactionError> {
        let Self {
            store,
            actions,
            place,
        } = self;
        match place {
            Some(place) => Ok(place.enlist(DynamoDbEnding::new(store, actions))?),
            None => commit_now(&store, actions).await,
        }
    }
}

async fn commit_now(store: &Inner, actions: Actions) -> Result<(), TransactionError> {
    // DynamoDB takes no transaction without an action.
    if actions.len() == 0 {
        return Ok(());
    }
    let (items, mut answers) = actions.into_parts();
    let until = Instant::now() + PATIENCE;
    match store.commit(&Transaction::new(items), until).await {
        Sent::Committed => Ok(()),
        Sent::Refused(refused) => {
            let position = refused.position;
            let answer = answers.get_mut(position).and_then(Option::take);
            let answer = answer.map(Box::new);
            Err(TransactionError::ConditionFailed { position, answer })
        }
        Sent::Failed { source, can_retry } => {
            Err(TransactionError::NotCommitted { source, can_retry })
        }
        Sent::Unknown(failure) => {
            let source = failure.into_source();
            Err(TransactionError::Unknown { source })
        }
    }
}

impl fmt::Debug for DynamoDbTransaction {
    /// Without the writes, which are the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbTransaction")
            .field("actions", &self.actions.len())
            .field("under_a_key", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
