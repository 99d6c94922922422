//! What went wrong within an operation, before it becomes a `StoreError`.

use idem_core::store::{DecodeError, Operation, StoreError, StoreErrorKind, WriteEffect};
use redis::RedisError;

use crate::error::{meaning, meaning_if_sent_again};

/// Why an operation failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server or the way to it failed.
    Redis(RedisError),
    /// So did the last of several attempts, perhaps.
    SentAgain(RedisError),
    /// No answer came in time.
    Silent,
    /// All connections for claims that are confirmed were in use all the time.
    Busy,
    /// A claim landed, and it is unknown how many replicas have it.
    Unconfirmed(RedisError),
    /// Too few replicas confirmed a claim, which was undone if that is known.
    TooFewReplicas { confirmed: i64, undone: bool },
    /// What stands there is no record.
    Corrupt(DecodeError),
    /// The script cannot give such an answer.
    Strange,
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl Failure {
    /// Tells it as the store's error.
    pub(crate) fn told(self, operation: Operation) -> StoreError {
        let error = |kind, effect| StoreError::new(operation, kind, effect);
        match self {
            Self::Redis(source) => {
                let (kind, effect) = meaning(&source);
                error(kind, effect).with_source(source)
            }
            Self::SentAgain(source) => {
                let (kind, effect) = meaning_if_sent_again(&source);
                error(kind, effect).with_source(source)
            }
            Self::Silent => error(StoreErrorKind::Timeout, WriteEffect::Unknown)
                .with_source("Redis did not answer within the store's call timeout"),
            Self::Busy => error(StoreErrorKind::Timeout, WriteEffect::None)
                .with_source("all connections for claims that replicas confirm were in use"),
            Self::Unconfirmed(source) => {
                let (kind, _) = meaning(&source);
                error(kind, WriteEffect::Unknown).with_source(source)
            }
            Self::TooFewReplicas { confirmed, undone } => {
                let effect = match undone {
                    true => WriteEffect::None,
                    false => WriteEffect::Unknown,
                };
                let source = format!("only {confirmed} replicas confirmed the claim in time");
                error(StoreErrorKind::Unavailable, effect).with_source(source)
            }
            Self::Corrupt(source) => {
                error(StoreErrorKind::Corrupt, WriteEffect::None).with_source(source)
            }
            Self::Strange => error(StoreErrorKind::Corrupt, WriteEffect::Unknown)
                .with_source("Redis gave an answer that the script does not give"),
        }
    }
}
