//! One `TransactWriteItems`, until it is known what became of it.
//!
//! The request is put together once and has a token, by which DynamoDB knows it again for 10 minutes: sent
//! again after its answer was lost, it is done once. DynamoDB cancels it as a whole, and gives a reason for
//! each action by its position.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{BoxError, ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem},
};
use idem_core::store::WriteEffect;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    clock::Moment,
    failure::{Failure, is_about_the_time, is_conflict, is_throttling},
    item::Item,
    store::Inner,
};

/// How often a transaction is sent at most.
const ATTEMPTS: usize = 6;

/// The pause after the first attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// How long one attempt is waited for.
const ATTEMPT: Duration = Duration::from_millis(2_500);

/// How long one may take that ends no execution.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

const CONDITION: &str = "ConditionalCheckFailed";

/// A request as it is sent, however often.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) token: String,
    items: Vec<TransactWriteItem>,
}

impl Transaction {
    pub(crate) fn new(items: Vec<TransactWriteItem>) -> Self {
        Self::named(token(), items)
    }

    pub(crate) const fn named(token: String, items: Vec<TransactWriteItem>) -> Self {
        Self { token, items }
    }
}

/// A `ClientRequestToken`. It is drawn and not derived from the writes: nobody else ever sends them again.
pub(crate) fn token() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It landed.
    Committed,
    /// The condition of an action failed, and nothing was written.
    Refused(Refused),
    /// Nothing was written, for another reason.
    Failed { source: BoxError, can_retry: bool },
    /// It may have landed.
    Unknown(Failure),
}

/// The first action whose condition failed.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) position: usize,
    /// What stands there, if that was asked for.
    pub(crate) item: Option<Item>,
    pub(crate) source: BoxError,
}

/// What follows from one attempt that did not commit.
enum Attempt {
    Refused(Refused),
    /// Others were in its way.
    Again(Failure),
    /// It may have landed.
    Doubt(Failure),
    /// It can never land.
    Never(Failure),
}

impl Inner {
    /// Sends a transaction until it is answered, at most [`ATTEMPTS`] times.
    pub(crate) async fn commit(&self, transaction: &Transaction, until: Instant) -> Sent {
        let mut pause = FIRST_PAUSE;
        // Once one attempt may have landed, only the answer to another can tell.
        let mut doubt: Option<Failure> = None;
        let mut attempts = 1;
        loop {
            let in_the_way = match self.attempt(transaction, until).await {
                Ok(()) => return Sent::Committed,
                // Also after a doubt: had it landed, its token would say so.
                Err(Attempt::Refused(refused)) => return Sent::Refused(refused),
                Err(Attempt::Never(failure)) => {
                    return match doubt {
                        Some(doubt) => Sent::Unknown(doubt),
                        None => failed(failure, false),
                    };
                }
                Err(Attempt::Again(failure)) => Some(failure),
                Err(Attempt::Doubt(failure)) => {
                    doubt = Some(failure);
                    None
                }
            };
            let pausing = pause.mul_f64(rand::random_range(0.5..1.0));
            if attempts == ATTEMPTS || Instant::now() + pausing >= until {
                return match (doubt, in_the_way) {
                    (None, Some(failure)) => failed(failure, true),
                    (doubt, _) => Sent::Unknown(doubt.unwrap_or_else(Failure::silent)),
                };
            }
            sleep(pausing).await;
            attempts += 1;
            pause *= 2;
        }
    }

    async fn attempt(&self, transaction: &Transaction, until: Instant) -> Result<(), Attempt> {
        let moment = self.clock.moment();
        let request = self.client.transact_write_items();
        let request = request
            .set_transact_items(Some(transaction.items.clone()))
            .client_request_token(&transaction.token)
            .customize()
            .interceptor(moment.watch());
        let until = until.min(Instant::now() + ATTEMPT);
        match timeout_at(until, request.send()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(meaning(error, &moment)),
            Err(_) => Err(Attempt::Doubt(Failure::silent())),
        }
    }
}

fn failed(failure: Failure, can_retry: bool) -> Sent {
    let source = failure.into_source();
    Sent::Failed { source, can_retry }
}

fn meaning(error: SdkError<TransactWriteItemsError>, moment: &Moment) -> Attempt {
    let code = match &error {
        SdkError::ServiceError(refusal) => refusal.err().code().unwrap_or_default(),
        _ => "",
    };
    let passes =
        is_conflict(code) || is_throttling(code) || (is_about_the_time(code) && moment.was_off());
    if let Some(reasons) = reasons(&error) {
        let failure = Failure::cancelled(words(reasons));
        return match cancelled(reasons) {
            Cancelled::Refused(position, item) => Attempt::Refused(Refused {
                position,
                item,
                source: failure.into_source(),
            }),
            Cancelled::InTheWay => Attempt::Again(failure),
            Cancelled::ForGood => Attempt::Never(failure),
        };
    }
    let failure = Failure::from(error);
    match failure.effect {
        WriteEffect::Unknown => Attempt::Doubt(failure),
        // Or nobody listened.
        WriteEffect::None if passes || failure.may_pass() => Attempt::Again(failure),
        WriteEffect::None => Attempt::Never(failure),
    }
}

fn reasons(error: &SdkError<TransactWriteItemsError>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}

/// What the reasons say, without the items that they have: those are the application's.
fn words(reasons: &[CancellationReason]) -> String {
    let told = reasons.iter().enumerate().filter_map(|(position, reason)| {
        let code = reason.code().filter(|code| *code != "None")?;
        let message = reason.message().unwrap_or("no message");
        Some(format!("action {position}: {code}, {message}"))
    });
    let told: Vec<_> = told.collect();
    format!("DynamoDB cancelled the transaction: {}", told.join("; "))
}

/// Why a transaction was cancelled.
#[derive(Debug, PartialEq)]
enum Cancelled {
    Refused(usize, Option<Item>),
    InTheWay,
    ForGood,
}

/// Reads the reasons, of which there is one for each action. A condition that failed decides; the fence is the
/// first.
fn cancelled(reasons: &[CancellationReason]) -> Cancelled {
    let failed = |reason: &CancellationReason| reason.code() == Some(CONDITION);
    if let Some(position) = reasons.iter().position(failed) {
        return Cancelled::Refused(position, reasons[position].item.clone());
    }
    let is_in_the_way = |code| is_conflict(code) || is_throttling(code);
    let mut codes = reasons.iter().filter_map(CancellationReason::code);
    let passes = codes.all(|code| code == "None" || is_in_the_way(code));
    if passes {
        Cancelled::InTheWay
    } else {
        Cancelled::ForGood
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn of(codes: &[&str]) -> Cancelled {
        let reason = |code: &&str| CancellationReason::builder().code(*code).build();
        cancelled(&codes.iter().map(reason).collect::<Vec<_>>())
    }

    #[test]
    fn a_condition_that_failed_decides_and_the_first_of_them() {
        assert_eq!(of(&["None", CONDITION]), Cancelled::Refused(1, None));
        assert_eq!(of(&[CONDITION, CONDITION]), Cancelled::Refused(0, None));
        assert_eq!(
            of(&["TransactionConflict", CONDITION]),
            Cancelled::Refused(1, None)
        );
        assert_eq!(
            of(&["ValidationError", CONDITION]),
            Cancelled::Refused(1, None)
        );
    }

    #[test]
    fn what_was_in_the_way_passes_and_a_mistake_stays() {
        assert_eq!(of(&["None", "TransactionConflict"]), Cancelled::InTheWay);
        assert_eq!(of(&["ThrottlingError", "None"]), Cancelled::InTheWay);
        assert_eq!(of(&["ProvisionedThroughputExceeded"]), Cancelled::InTheWay);
        assert_eq!(of(&["None", "ValidationError"]), Cancelled::ForGood);
        assert_eq!(
            of(&["ItemCollectionSizeLimitExceeded", "TransactionConflict"]),
            Cancelled::ForGood
        );
    }

    #[test]
    fn a_cancellation_is_told_without_what_stands_there() {
        let reason = |code| CancellationReason::builder().code(code);
        let secret = AttributeValue::S("secret".to_owned());
        let words = words(&[
            reason("None").build(),
            reason(CONDITION)
                .message("The conditional request failed")
                .item("pk", secret)
                .build(),
        ]);
        assert!(!words.contains("secret"), "{words}");
        let says = "action 1: ConditionalCheckFailed, The conditional request failed";
        assert!(words.ends_with(says), "{words}");
    }

    #[test]
    fn a_token_is_as_long_as_dynamodb_takes() {
        assert!(token().len() <= 36);
        assert_ne!(token(), token());
    }
}
