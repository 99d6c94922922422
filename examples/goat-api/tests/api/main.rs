//! The API in axum, over a real socket and a real SQLite file.

#![forbid(unsafe_code)]
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod catalog;
mod client;
mod delayed;
mod document;
mod failures;
mod goats;
mod head;
mod home;
mod idempotency;
mod orders;
mod refusals;
mod routes;
mod serve;
mod support;
