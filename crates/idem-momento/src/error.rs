//! What the SDK's errors mean for the write that was asked for.

use idem_core::store::{Operation, StoreError, StoreErrorKind, WriteEffect};
use momento::{MomentoError, MomentoErrorCode};

/// Says what failed, and whether it may have landed; keeps the SDK's error as the source.
pub(crate) fn store_error(operation: Operation, error: MomentoError) -> StoreError {
    let (kind, effect) = meaning(&error);
    StoreError::new(operation, kind, effect).with_source(error)
}

fn meaning(error: &MomentoError) -> (StoreErrorKind, WriteEffect) {
    use MomentoErrorCode as Code;
    match error.error_code {
        Code::CancelledError | Code::TimeoutError => {
            (StoreErrorKind::Timeout, WriteEffect::Unknown)
        }
        Code::LimitExceededError if is_item_size(error) => {
            (StoreErrorKind::TooLarge, WriteEffect::None)
        }
        Code::LimitExceededError | Code::ClientResourceExhausted => {
            (StoreErrorKind::Full, WriteEffect::None)
        }
        Code::AuthenticationError
        | Code::PermissionError
        | Code::InvalidArgumentError
        | Code::BadRequestError
        | Code::FailedPreconditionError
        | Code::CacheNotFoundError => (StoreErrorKind::Rejected, WriteEffect::None),
        // Of all others nobody knows how far the call came.
        _ => (StoreErrorKind::Unavailable, WriteEffect::Unknown),
    }
}

/// Tells a limit on one item from one on the rate of calls, by what the service or the SDK says.
fn is_item_size(error: &MomentoError) -> bool {
    let Some(details) = error.details() else {
        return false;
    };
    let named = details
        .metadata
        .get("err")
        .and_then(|value| value.to_str().ok());
    let message = details.message.to_ascii_lowercase();
    matches!(
        named,
        Some("item_size_limit_exceeded" | "request_size_limit_exceeded")
    ) || message.contains("item size")
        || message.contains("message length too large")
}
