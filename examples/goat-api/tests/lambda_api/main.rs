//! The API as a Lambda function behind API Gateway: what it must do as a server, it must do there.
//!
//! It needs what `.ci/serverless` sets up, and does not run by default.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "axum", feature = "momento"))]
#![allow(clippy::unwrap_used)]

#[path = "../api/catalog.rs"]
mod catalog;
#[path = "../api/customer.rs"]
mod customer;
#[expect(dead_code, reason = "nobody is frozen or killed here")]
#[path = "../lambda/function/mod.rs"]
mod function;
#[path = "../api/goats.rs"]
mod goats;
#[path = "../api/home.rs"]
mod home;
#[path = "../api/idempotency.rs"]
mod idempotency;
#[expect(dead_code, reason = "nobody is frozen or killed here")]
#[path = "../lambda/market.rs"]
mod market;
#[path = "../api/orders.rs"]
mod orders;
#[path = "../api/refusals.rs"]
mod refusals;
#[path = "../dynamodb/stand_in.rs"]
mod stand_in;
mod support;
