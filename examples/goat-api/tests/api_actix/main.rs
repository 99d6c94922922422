//! The API in actix-web, over a real socket: what it must do in axum, it must
//! do here.

#![forbid(unsafe_code)]
#![cfg(feature = "actix")]
#![allow(clippy::unwrap_used)]

#[path = "../api/catalog.rs"]
mod catalog;
#[path = "../api/customer.rs"]
mod customer;
#[path = "../api/delayed.rs"]
mod delayed;
#[path = "../api/document/mod.rs"]
mod document;
#[path = "../api/failures.rs"]
mod failures;
#[path = "../api/fresh.rs"]
mod fresh;
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
#[path = "../dynamodb/program.rs"]
mod program;
#[path = "../api/refusals.rs"]
mod refusals;
mod routes;
mod serve;
#[path = "../api/support.rs"]
mod support;

/// What the servers under test serve with.
const FRAMEWORK: &str = "actix";
