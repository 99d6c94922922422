//! The market as a Lambda function: frozen between requests, killed at its timeout.
//!
//! The program is the one at `GOAT_API_SERVERLESS`; Lambda and API Gateway are stand-ins in this process.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "axum", feature = "momento"))]
#![allow(clippy::unwrap_used)]

mod conformance;
#[expect(dead_code, reason = "other tests ask for more")]
#[path = "../api/customer.rs"]
mod customer;
mod events;
mod exactly_once;
mod freezing;
mod function;
mod market;
mod secrets;
mod sqs;
#[path = "../dynamodb/stand_in.rs"]
mod stand_in;
mod start;
