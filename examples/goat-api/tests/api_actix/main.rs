//! The API in actix-web, over a real socket and a real SQLite file: what it must do in axum, it must
//! do here.

#![forbid(unsafe_code)]
#![cfg(feature = "actix")]
#![allow(clippy::unwrap_used)]

#[path = "../api/catalog.rs"]
mod catalog;
#[path = "../api/client.rs"]
mod client;
#[path = "../api/delayed.rs"]
mod delayed;
#[path = "../api/document/mod.rs"]
mod document;
#[path = "../api/failures.rs"]
mod failures;
#[path = "../api/goats.rs"]
mod goats;
#[path = "../api/head.rs"]
mod head;
#[path = "../api/home.rs"]
mod home;
#[path = "../api/idempotency.rs"]
mod idempotency;
#[path = "../api/orders.rs"]
mod orders;
#[path = "../api/refusals.rs"]
mod refusals;
mod routes;
mod serve;
#[path = "../api/support.rs"]
mod support;
