//! The program: what it prints, and what it exits with.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "../adapters/axum_market.rs"]
mod axum_market;
mod documentation;
mod faults;
mod formats;
#[path = "../adapters/policies.rs"]
mod policies;
mod program;
#[path = "../market/routes.rs"]
mod routes;
#[cfg(feature = "tls")]
mod tls;
