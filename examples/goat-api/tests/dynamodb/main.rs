//! The program on DynamoDB, beyond what `tests/api` asks of the market on any database.
//!
//! `.ci/serverless` runs these, and `tests/api` and `tests/api_actix` on the same program.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "axum"))]
#![allow(clippy::unwrap_used)]

mod between;
#[path = "../api/customer.rs"]
mod customer;
mod damage;
mod disturbed;
mod life;
mod order;
mod program;
mod size;

use std::path::PathBuf;

/// The program under test.
fn given() -> PathBuf {
    program::given().expect("GOAT_API_SERVERLESS names the program: run .ci/serverless")
}

/// Where the stand-in for DynamoDB listens.
fn stand_in() -> String {
    std::env::var("AWS_ENDPOINT_URL").expect("moto runs: run .ci/serverless")
}
