//! The store on moto, which these tests start, behind a proxy each.
//!
//! What moto does otherwise than the service documents: it ignores `ClientRequestToken`, which the proxy
//! honours; it never raises `TransactionConflict`, throttles or loses an answer, which the proxy plays; it
//! deletes nothing by a time to live; and it bills nothing, so units are counted here by the documented rules.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[cfg(feature = "dynamodb-tests")]
mod contract;
#[cfg(feature = "dynamodb-tests")]
mod costs;
#[cfg(feature = "dynamodb-tests")]
mod disturbed;
#[cfg(feature = "dynamodb-tests")]
mod ending_cases;
#[cfg(feature = "dynamodb-tests")]
mod handlers;
#[cfg(feature = "dynamodb-tests")]
mod prepare;
#[cfg(feature = "dynamodb-tests")]
mod server;
#[cfg(feature = "dynamodb-tests")]
mod time;
#[cfg(feature = "dynamodb-tests")]
mod transactions;

#[cfg(not(feature = "dynamodb-tests"))]
#[test]
#[ignore = "left out: they start moto, and need `--features dynamodb-tests`"]
fn all_tests_on_dynamodb() {}
