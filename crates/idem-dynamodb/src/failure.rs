//! What went wrong within an operation, and what it means for the write that was asked for.

use std::{error::Error, io};

use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata, SdkError};
use idem_core::store::{Operation, StoreError, StoreErrorKind, WriteEffect};

/// Why an operation failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    pub(crate) effect: WriteEffect,
    source: BoxError,
}

impl Failure {
    /// No answer came in time.
    pub(crate) fn silent() -> Self {
        Self {
            kind: StoreErrorKind::Timeout,
            effect: WriteEffect::Unknown,
            source: "DynamoDB did not answer within the call timeout".into(),
        }
    }

    /// Others were faster each time.
    pub(crate) fn contended() -> Self {
        Self {
            kind: StoreErrorKind::Unavailable,
            effect: WriteEffect::None,
            source: "other claims of the key were faster each time".into(),
        }
    }

    /// What stands there is no record.
    pub(crate) fn corrupt(source: impl Into<BoxError>) -> Self {
        Self {
            kind: StoreErrorKind::Corrupt,
            effect: WriteEffect::None,
            source: source.into(),
        }
    }

    /// A request that could not be put together.
    pub(crate) fn unsent(source: impl Into<BoxError>) -> Self {
        Self {
            kind: StoreErrorKind::Rejected,
            effect: WriteEffect::None,
            source: source.into(),
        }
    }

    /// A transaction that was cancelled as a whole.
    pub(crate) fn cancelled(why: String) -> Self {
        Self {
            kind: StoreErrorKind::Unavailable,
            effect: WriteEffect::None,
            source: why.into(),
        }
    }

    /// An earlier write of the same operation has landed, or may have.
    pub(crate) fn after_a_write(self) -> Self {
        Self {
            effect: WriteEffect::Unknown,
            ..self
        }
    }

    /// The parts of a record were being written, and not yet the record.
    pub(crate) fn before_the_write(self) -> Self {
        Self {
            effect: WriteEffect::None,
            ..self
        }
    }

    pub(crate) fn told(self, operation: Operation) -> StoreError {
        StoreError::new(operation, self.kind, self.effect).with_source(self.source)
    }

    /// Whether the same may succeed later.
    pub(crate) const fn may_pass(&self) -> bool {
        use StoreErrorKind as Kind;
        matches!(self.kind, Kind::Unavailable | Kind::Timeout | Kind::Full)
    }

    pub(crate) fn into_source(self) -> BoxError {
        self.source
    }
}

impl<E> From<SdkError<E>> for Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let (kind, effect) = meaning(&error);
        Self {
            kind,
            effect,
            source: Box::new(error),
        }
    }
}

/// Says what kind of failure it was, and whether the write may have landed. A refusal is an answer, and nothing
/// was written; a failure of the service is not.
fn meaning<E: ProvideErrorMetadata>(error: &SdkError<E>) -> (StoreErrorKind, WriteEffect) {
    use StoreErrorKind as Kind;
    match error {
        SdkError::ConstructionFailure(_) => (Kind::Rejected, WriteEffect::None),
        SdkError::TimeoutError(_) => (Kind::Timeout, WriteEffect::Unknown),
        SdkError::DispatchFailure(failure) => {
            let connector = failure.as_connector_error();
            if failure.is_user() {
                (Kind::Rejected, WriteEffect::None)
            } else if connector.is_some_and(|error| was_not_sent(error)) {
                (Kind::Unavailable, WriteEffect::None)
            } else if failure.is_timeout() {
                (Kind::Timeout, WriteEffect::Unknown)
            } else {
                (Kind::Unavailable, WriteEffect::Unknown)
            }
        }
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            of_code(refusal.err().code().unwrap_or_default(), status)
        }
        // An answer that cannot be read, and whatever the SDK adds.
        _ => (Kind::Unavailable, WriteEffect::Unknown),
    }
}

/// Nobody listens, or the name has no address.
fn was_not_sent(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn of_code(code: &str, status: u16) -> (StoreErrorKind, WriteEffect) {
    match code {
        code if is_throttling(code) => (StoreErrorKind::Full, WriteEffect::None),
        code if is_conflict(code) => (StoreErrorKind::Unavailable, WriteEffect::None),
        // Of a table with a local index, whose items under one partition key may have 10 GB.
        "ItemCollectionSizeLimitExceededException" => (StoreErrorKind::Full, WriteEffect::None),
        _ if (400..500).contains(&status) => (StoreErrorKind::Rejected, WriteEffect::None),
        _ => (StoreErrorKind::Unavailable, WriteEffect::Unknown),
    }
}

/// Too much was asked for in a short time.
pub(crate) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
            | "Throttling"
    )
}

/// A transaction is at work on the item, or another region.
pub(crate) fn is_conflict(code: &str) -> bool {
    matches!(
        code,
        "TransactionConflictException"
            | "TransactionConflict"
            | "TransactionInProgressException"
            | "ReplicatedWriteConflictException"
    )
}

/// The signature has a time that the service does not take; the SDK signs by the service's after that.
pub(crate) fn is_about_the_time(code: &str) -> bool {
    matches!(
        code,
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_wrote_nothing_and_a_failure_may_have() {
        use StoreErrorKind as Kind;
        for (code, status, means) in [
            ("ThrottlingException", 400, (Kind::Full, WriteEffect::None)),
            (
                "ProvisionedThroughputExceededException",
                400,
                (Kind::Full, WriteEffect::None),
            ),
            (
                "TransactionConflictException",
                400,
                (Kind::Unavailable, WriteEffect::None),
            ),
            (
                "AccessDeniedException",
                400,
                (Kind::Rejected, WriteEffect::None),
            ),
            (
                "ResourceNotFoundException",
                400,
                (Kind::Rejected, WriteEffect::None),
            ),
            (
                "InternalServerError",
                500,
                (Kind::Unavailable, WriteEffect::Unknown),
            ),
            ("", 503, (Kind::Unavailable, WriteEffect::Unknown)),
        ] {
            assert_eq!(of_code(code, status), means, "{code}");
        }
    }

    #[test]
    fn only_a_connection_that_was_refused_sent_nothing() {
        #[derive(Debug, thiserror::Error)]
        #[error("client error (Connect)")]
        struct Connect(#[source] io::Error);
        let error = |kind: io::ErrorKind| Connect(kind.into());
        assert!(was_not_sent(&error(io::ErrorKind::ConnectionRefused)));
        assert!(!was_not_sent(&error(io::ErrorKind::ConnectionReset)));
    }
}
