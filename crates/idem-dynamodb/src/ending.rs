//! A handler's writes as the end of its execution.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem,
};
use idem_core::{
    RecordKey, Response,
    store::{
        Commit, Completion, Ending, Fenced, InDoubt, Lease, Operation, RolledBack, StoreError,
        encode_completed,
    },
};
use tokio::time::Instant;

use crate::{
    actions::Actions,
    clock::Moment,
    failure::Failure,
    item::{COMPLETED, Found, IS_OURS, PENDING, owner, string},
    parts::Placed,
    sending::{Refused, Sent, Transaction, token},
    store::Inner,
};

/// A handler's writes that were handed over. Nothing is sent before the commit, so there is nothing to roll
/// back.
#[derive(Debug)]
pub(crate) struct DynamoDbEnding {
    store: Arc<Inner>,
    actions: Actions,
}

impl DynamoDbEnding {
    pub(crate) const fn new(store: Arc<Inner>, actions: Actions) -> Self {
        Self { store, actions }
    }
}

/// The write of the record that comes first in its transaction.
///
/// The contract lets an absent key through its fence, and this does not: a transaction that is late on its way
/// must not land after the question about it has freed the key. DynamoDB has no lock that the question could
/// wait for.
fn fence(
    store: &Inner,
    completion: &Completion<'_>,
    placed: &Placed,
    until: i64,
    token: &str,
) -> Result<TransactWriteItem, Failure> {
    let (key, lease) = (completion.key(), completion.lease());
    let put = Put::builder()
        .table_name(&store.table.name)
        .set_item(Some(store.enlisted(key, lease, placed, until, token)))
        .condition_expression(IS_OURS)
        .expression_attribute_values(":owner", owner(lease.owner()))
        .expression_attribute_values(":state", string(PENDING))
        .return_values_on_condition_check_failure(AllOld)
        .build()
        .map_err(Failure::unsent)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

#[async_trait]
impl Ending for DynamoDbEnding {
    async fn commit(self: Box<Self>, completion: Completion<'_>) -> Commit {
        let until = Instant::now() + completion.patience();
        let Self { store, actions } = *self;
        let outcome = store.fitting(completion.outcome());
        let placed = Placed::new(encode_completed(completion.lease(), outcome), outcome);
        let (key, retention) = (completion.key(), completion.retention());
        let parts = store.write_parts(key, &placed, retention, until).await;
        if let Err(failure) = parts {
            return not_sent(failure);
        }
        let (writes, answers) = actions.into_parts();
        let token = token();
        let moment = store.clock.moment();
        let end = moment.after(retention);
        let fence = match fence(&store, &completion, &placed, end, &token) {
            Ok(fence) => fence,
            Err(failure) => return not_sent(failure),
        };
        let items = [fence].into_iter().chain(writes).collect();
        let transaction = Transaction::named(token, items);
        match store.commit(&transaction, until).await {
            Sent::Committed => committed(&store, &completion, &moment, until).await,
            Sent::Refused(refused) => told(refused, &completion, &transaction.token, answers),
            Sent::Failed { source, can_retry } => {
                let why = match can_retry {
                    true => RolledBack::for_now(),
                    false => RolledBack::for_good(),
                };
                Commit::RolledBack(why.with_source(source))
            }
            Sent::Unknown(failure) => {
                let error = failure.told(Operation::Complete);
                Commit::Unknown(error, Box::new(Question(store)))
            }
        }
    }

    /// Nothing was sent.
    async fn roll_back(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The record itself was not sent.
fn not_sent(failure: Failure) -> Commit {
    let why = match failure.may_pass() {
        true => RolledBack::for_now(),
        false => RolledBack::for_good(),
    };
    Commit::RolledBack(why.with_source(failure.into_source()))
}

async fn committed(
    store: &Inner,
    completion: &Completion<'_>,
    moment: &Moment,
    until: Instant,
) -> Commit {
    // Also of an attempt before the one that was answered: each sends the same end.
    if moment.turned_out_wrong() {
        let (key, lease) = (completion.key(), completion.lease());
        let retention = completion.retention();
        let put_right = store
            .put_right(key, lease, COMPLETED, retention, until)
            .await;
        if let Err(failure) = put_right {
            let error = failure.told(Operation::Complete);
            tracing::warn!(
                record_key = %key, %error,
                "the result is recorded, and may be kept for longer or shorter than its retention"
            );
        }
    }
    Commit::Committed
}

/// Tells whose condition failed: by position, and the fence is the first.
fn told(
    refused: Refused,
    completion: &Completion<'_>,
    token: &str,
    mut answers: Vec<Option<Response>>,
) -> Commit {
    let Refused {
        position,
        item,
        source,
    } = refused;
    let Some(action) = position.checked_sub(1) else {
        let owner = completion.lease().owner();
        // The token was forgotten, or the service did not look at it: what landed is ours.
        let landed = item
            .and_then(|item| Found::read(item).ok())
            .is_some_and(|found| !found.is_pending && found.is_by(owner, token));
        return if landed {
            Commit::Committed
        } else {
            Commit::Lost
        };
    };
    let why = RolledBack::for_good().with_source(source);
    let answer = answers.get_mut(action).and_then(Option::take);
    Commit::RolledBack(match answer {
        Some(answer) => why.with_answer(answer),
        None => why,
    })
}

/// The question after a transaction in doubt: a conditional delete, which no read could replace. While the
/// transaction is at work on the item, the delete is refused; after it, the transaction's own fence is.
#[derive(Debug)]
struct Question(Arc<Inner>);

#[async_trait]
impl InDoubt for Question {
    async fn ask(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let freed = self.0.free(key, lease).await;
        freed.map_err(|failure| failure.told(Operation::Release))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use idem_core::store::{Fingerprint, Identity, NotKept, Outcome, OwnerToken};

    use super::*;
    use crate::item::{Item, OWNER, RECORD, STATE, TRANSACTION, UNTIL, bytes, number};

    /// What the fence's condition found, as DynamoDB gives it back.
    fn found(state: &str, owner: &OwnerToken, transaction: &str) -> Item {
        let attribute = |name: &str, value| (name.to_owned(), value);
        Item::from([
            attribute(STATE, string(state)),
            attribute(OWNER, crate::item::owner(owner)),
            attribute(UNTIL, number(1)),
            attribute(RECORD, bytes(*b"a record")),
            attribute(TRANSACTION, bytes(transaction.as_bytes())),
        ])
    }

    fn told_of(item: Option<Item>, lease: &Lease) -> Commit {
        let (key, outcome) = (
            RecordKey::from_bytes([1; 32]),
            Outcome::NotKept(NotKept::Stream),
        );
        let time = Duration::from_secs(1);
        let completion = Completion::new(&key, lease, &outcome, time, time);
        let refused = Refused {
            position: 0,
            item,
            source: "cancelled".into(),
        };
        told(refused, &completion, "ours", Vec::new())
    }

    #[test]
    fn a_fence_that_finds_its_own_transaction_has_landed() {
        // A stand-in ignores the token of a transaction that is sent again, and so does DynamoDB after 10 minutes.
        let identity = Identity::new(Fingerprint::from_bytes([7; 32]));
        let lease = Lease::new(identity, Duration::from_secs(30));
        let stranger = OwnerToken::random();
        let ours = found(COMPLETED, lease.owner(), "ours");
        assert!(matches!(told_of(Some(ours), &lease), Commit::Committed));
        for item in [
            None,
            // The same lease, delivered twice.
            Some(found(COMPLETED, lease.owner(), "another")),
            Some(found(COMPLETED, &stranger, "ours")),
            Some(found(PENDING, lease.owner(), "ours")),
            Some(Item::new()),
        ] {
            assert!(matches!(told_of(item, &lease), Commit::Lost));
        }
    }
}
