//! The market with its records in a Redis, which the tests start themselves: its API, the program, and the
//! conformance tool, in both frameworks.
//!
//! `TEST_REDIS_SERVER` names another program than `redis-server`, such as `valkey-server`.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "redis-tests"))]
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::duplicate_mod,
    reason = "in both frameworks it must do the same"
)]

#[cfg(all(feature = "actix", feature = "axum"))]
#[path = "../api/conformance.rs"]
mod conformance;
mod fresh;
#[cfg(feature = "actix")]
#[path = "../api_actix/on_actix.rs"]
mod on_actix;
#[cfg(feature = "axum")]
#[path = "../api/on_axum.rs"]
mod on_axum;
#[cfg(feature = "actix")]
mod program_on_actix;
#[cfg(feature = "axum")]
mod program_on_axum;
mod server;
mod start;
