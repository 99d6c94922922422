//! The API in axum, over a real socket; on which database, `support` says.

#![forbid(unsafe_code)]
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod catalog;
mod customer;
mod delayed;
mod document;
mod failures;
mod fresh;
mod goats;
mod head;
mod home;
mod idempotency;
mod orders;
#[path = "../dynamodb/program.rs"]
mod program;
mod refusals;
mod routes;
mod serve;
mod support;

/// What the servers under test serve with.
const FRAMEWORK: &str = "axum";
