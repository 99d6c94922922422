//! The API over a real socket and a real SQLite file.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod catalog;
mod goats;
mod idempotency;
mod orders;
mod refusals;
mod support;
