//! Every condition that the SDK can send, against an absent, an equal and another value.

use momento::cache::{
    SetIfAbsentOrEqualResponse, SetIfAbsentResponse, SetIfEqualResponse, SetIfNotEqualResponse,
    SetIfPresentAndNotEqualResponse, SetIfPresentResponse,
};

use crate::{CACHE, started, stored};

/// Runs the condition, which checks for "expected", against what stands there, and tells whether
/// it stored: by the SDK's answer, and by what stands there afterwards.
macro_rules! outcomes {
    ($method:ident($($expected:expr)?), $response:ident) => {{
        let mut outcomes = Vec::new();
        for standing in [None, Some("expected"), Some("other")] {
            let (emulator, client) = started();
            if let Some(value) = standing {
                client.set(CACHE, "k", value).await.unwrap();
            }
            let reply = client.$method(CACHE, "k", "new" $(, $expected)?).await.unwrap();
            let is_stored = reply == $response::Stored;
            let after = if is_stored { Some("new") } else { standing };
            assert_eq!(stored(&emulator, "k").as_deref(), after);
            outcomes.push(is_stored);
        }
        outcomes
    }};
}

#[tokio::test]
async fn absent_stores_only_where_nothing_stands() {
    let outcomes = outcomes!(set_if_absent(), SetIfAbsentResponse);
    assert_eq!(outcomes, [true, false, false]);
}

#[tokio::test]
async fn present_stores_only_over_something() {
    let outcomes = outcomes!(set_if_present(), SetIfPresentResponse);
    assert_eq!(outcomes, [false, true, true]);
}

#[tokio::test]
async fn equal_stores_only_over_that_value() {
    let outcomes = outcomes!(set_if_equal("expected"), SetIfEqualResponse);
    assert_eq!(outcomes, [false, true, false]);
}

#[tokio::test]
async fn not_equal_stores_over_nothing_and_over_another_value() {
    let outcomes = outcomes!(set_if_not_equal("expected"), SetIfNotEqualResponse);
    assert_eq!(outcomes, [true, false, true]);
}

#[tokio::test]
async fn present_and_not_equal_stores_only_over_another_value() {
    let outcomes = outcomes!(
        set_if_present_and_not_equal("expected"),
        SetIfPresentAndNotEqualResponse
    );
    assert_eq!(outcomes, [false, false, true]);
}

#[tokio::test]
async fn absent_or_equal_stores_over_nothing_and_over_that_value() {
    let outcomes = outcomes!(
        set_if_absent_or_equal("expected"),
        SetIfAbsentOrEqualResponse
    );
    assert_eq!(outcomes, [true, true, false]);
}

#[tokio::test]
async fn of_many_claims_at_once_exactly_one_stores() {
    let (emulator, _) = started();
    let clients: Vec<_> = (0..16).map(|_| emulator.client(crate::PATIENT)).collect();
    let claims = clients.into_iter().map(|client| {
        tokio::spawn(async move { client.set_if_absent(CACHE, "k", "mine").await.unwrap() })
    });
    let mut owned = 0;
    for claim in claims.collect::<Vec<_>>() {
        owned += usize::from(claim.await.unwrap() == SetIfAbsentResponse::Stored);
    }
    assert_eq!(owned, 1);
}
