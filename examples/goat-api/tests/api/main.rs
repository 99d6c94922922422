//! The API in axum, over a real socket; on which database, `support` says.

#![forbid(unsafe_code)]
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod document;
#[path = "everywhere.rs"]
mod everywhere;
mod fresh;
mod head;
mod home;
mod routes;
mod serve;

use everywhere::support;

/// What the servers under test serve with.
const FRAMEWORK: &str = "axum";
