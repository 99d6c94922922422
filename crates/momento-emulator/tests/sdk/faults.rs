//! Each fault as the SDK reports it, and what stands in the cache afterwards.

use std::time::Duration;

use momento::MomentoErrorCode;
use momento_emulator::{Code, Fault, Method, When};

use crate::{BRIEF, CACHE, code, emulator, read, started, stored};

#[tokio::test]
async fn statuses_arrive_as_these_error_codes() {
    use MomentoErrorCode as E;
    let (emulator, client) = started();
    let expected = [
        (Code::Cancelled, E::CancelledError),
        (Code::Unknown, E::InternalServerError),
        (Code::InvalidArgument, E::InvalidArgumentError),
        (Code::DeadlineExceeded, E::TimeoutError),
        (Code::NotFound, E::CacheNotFoundError),
        (Code::AlreadyExists, E::AlreadyExistsError),
        (Code::PermissionDenied, E::PermissionError),
        (Code::ResourceExhausted, E::LimitExceededError),
        (Code::FailedPrecondition, E::FailedPreconditionError),
        (Code::Aborted, E::InternalServerError),
        (Code::OutOfRange, E::BadRequestError),
        (Code::Unimplemented, E::BadRequestError),
        (Code::Internal, E::InternalServerError),
        (Code::Unavailable, E::ServerUnavailable),
        (Code::DataLoss, E::InternalServerError),
        (Code::Unauthenticated, E::AuthenticationError),
    ];
    for (status, error) in expected {
        emulator
            .faults()
            .next(Method::Get, Fault::Fail(When::Before, status));
        assert_eq!(code(client.get(CACHE, "k").await), error, "{status:?}");
    }
}

#[tokio::test]
async fn a_failure_before_writes_nothing() {
    let (emulator, client) = started();
    let fault = Fault::Fail(When::Before, Code::Unavailable);
    emulator.faults().next(Method::SetIf, fault);
    client.set_if_absent(CACHE, "k", "v").await.unwrap_err();
    assert_eq!(stored(&emulator, "k"), None);
}

#[tokio::test]
async fn a_failure_after_has_written() {
    let (emulator, client) = started();
    let fault = Fault::Fail(When::After, Code::Unavailable);
    emulator.faults().next(Method::SetIf, fault);
    client.set_if_absent(CACHE, "k", "v").await.unwrap_err();
    assert_eq!(stored(&emulator, "k").as_deref(), Some("v"));
}

#[tokio::test]
async fn a_call_never_answered_passes_its_deadline_as_cancelled() {
    let emulator = emulator();
    let client = emulator.client(BRIEF);
    emulator
        .faults()
        .every(Method::SetIf, Fault::Hang(When::After));
    let error = client.set_if_absent(CACHE, "k", "v").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::CancelledError);
    assert_eq!(error.details().unwrap().message, "Timeout expired");
    assert_eq!(stored(&emulator, "k").as_deref(), Some("v"));
}

#[tokio::test]
async fn a_call_that_hangs_before_writes_nothing() {
    let emulator = emulator();
    let client = emulator.client(BRIEF);
    emulator
        .faults()
        .next(Method::SetIf, Fault::Hang(When::Before));
    client.set_if_absent(CACHE, "k", "v").await.unwrap_err();
    assert_eq!(stored(&emulator, "k"), None);
}

#[tokio::test]
async fn a_delayed_call_is_answered_in_the_end() {
    let (emulator, client) = started();
    let faults = emulator.faults();
    faults.next(Method::SetIf, Fault::Delay(When::Before, BRIEF));
    faults.next(Method::Get, Fault::Delay(When::After, BRIEF));
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    assert_eq!(read(&client, "k").await.as_deref(), Some("v"));
    assert_eq!(faults.struck(), 2);
}

#[tokio::test]
async fn a_delayed_write_lands_although_the_client_gave_up() {
    let emulator = emulator();
    let client = emulator.client(BRIEF);
    let delay = Fault::Delay(When::Before, BRIEF * 3);
    emulator.faults().next(Method::SetIf, delay);
    let gave_up = code(client.set_if_absent(CACHE, "k", "v").await);
    assert_eq!(gave_up, MomentoErrorCode::CancelledError);
    while stored(&emulator, "k").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_control_call_has_no_deadline() {
    let emulator = emulator();
    let client = emulator.client(BRIEF);
    let hang = Fault::Hang(When::Before);
    emulator.faults().next(Method::ListCaches, hang);
    let listed = tokio::time::timeout(BRIEF * 5, client.list_caches()).await;
    assert!(listed.is_err());
}

#[tokio::test]
async fn a_stale_read_shows_the_previous_value_once() {
    let (emulator, client) = started();
    client.set_if_absent(CACHE, "k", "old").await.unwrap();
    client.set_if_equal(CACHE, "k", "new", "old").await.unwrap();
    emulator.faults().next(Method::Get, Fault::StaleRead);
    assert_eq!(read(&client, "k").await.as_deref(), Some("old"));
    assert_eq!(read(&client, "k").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_stale_read_of_a_first_write_is_a_miss() {
    let (emulator, client) = started();
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    emulator.faults().next(Method::Get, Fault::StaleRead);
    assert_eq!(read(&client, "k").await, None);
}

#[tokio::test]
async fn a_stale_read_after_a_delete_still_shows_the_item() {
    let (emulator, client) = started();
    client.set(CACHE, "k", "v").await.unwrap();
    client.delete(CACHE, "k").await.unwrap();
    emulator.faults().next(Method::Get, Fault::StaleRead);
    assert_eq!(read(&client, "k").await.as_deref(), Some("v"));
    assert_eq!(read(&client, "k").await, None);
}

#[tokio::test]
async fn a_fault_meets_only_its_method() {
    let (emulator, client) = started();
    let fault = Fault::Fail(When::Before, Code::Internal);
    emulator.faults().every(Method::Get, fault);
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    client.get(CACHE, "k").await.unwrap_err();
    client.get(CACHE, "k").await.unwrap_err();
    emulator.faults().clear();
    client.get(CACHE, "k").await.unwrap();
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_calls() {
    let strikes = async |seed| {
        let (emulator, client) = started();
        emulator.faults().seed(seed);
        let fault = Fault::Fail(When::Before, Code::Internal);
        emulator.faults().sometimes(0.5, Method::Get, fault);
        let mut strikes = Vec::new();
        for _ in 0..64 {
            strikes.push(client.get(CACHE, "k").await.is_err());
        }
        strikes
    };
    let first = strikes(7).await;
    assert_eq!(first, strikes(7).await);
    assert_ne!(first, strikes(8).await);
    assert!(first.contains(&true) && first.contains(&false));
}
