//! What went wrong within an operation, before it is told as an error of the store.

use idem_core::store::{DecodeError, Operation, StoreError, StoreErrorKind, WriteEffect};

/// Why an operation failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection could be had: nothing was sent.
    NotSent(sqlx::Error),
    /// The database or the way to it failed.
    Sqlx(sqlx::Error),
    /// The call's time is over, and what was sent so far had no effect.
    OutOfTime,
    /// Others were faster each time.
    Contended,
    /// What stands there is no record.
    Corrupt(DecodeError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

impl Failure {
    /// Tells it as the store's error; `meaning` knows the database's own errors.
    pub(crate) fn told(
        self,
        operation: Operation,
        meaning: impl FnOnce(&sqlx::Error) -> (StoreErrorKind, WriteEffect),
    ) -> StoreError {
        let error = |kind, effect| StoreError::new(operation, kind, effect);
        match self {
            Self::NotSent(source) => {
                let (kind, _) = meaning(&source);
                error(kind, WriteEffect::None).with_source(source)
            }
            Self::Sqlx(source) => {
                let (kind, effect) = meaning(&source);
                error(kind, effect).with_source(source)
            }
            Self::OutOfTime => error(StoreErrorKind::Timeout, WriteEffect::None)
                .with_source("the call's time was over before all of its statements were sent"),
            Self::Contended => error(StoreErrorKind::Unavailable, WriteEffect::None)
                .with_source("other claims of the key were faster each time"),
            Self::Corrupt(source) => {
                error(StoreErrorKind::Corrupt, WriteEffect::None).with_source(source)
            }
        }
    }

    /// The driver's error, for those who get no store's error.
    pub(crate) fn into_sqlx(self) -> sqlx::Error {
        match self {
            Self::NotSent(error) | Self::Sqlx(error) => error,
            Self::OutOfTime | Self::Contended => sqlx::Error::PoolTimedOut,
            Self::Corrupt(error) => sqlx::Error::Decode(Box::new(error)),
        }
    }
}

/// What errors mean that do not come from a database.
pub(crate) fn meaning_of_driver(error: &sqlx::Error) -> (StoreErrorKind, WriteEffect) {
    match error {
        sqlx::Error::PoolTimedOut => (StoreErrorKind::Timeout, WriteEffect::None),
        sqlx::Error::Configuration(_) | sqlx::Error::Tls(_) => {
            (StoreErrorKind::Rejected, WriteEffect::Unknown)
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (StoreErrorKind::Corrupt, WriteEffect::Unknown)
        }
        _ => (StoreErrorKind::Unavailable, WriteEffect::Unknown),
    }
}
