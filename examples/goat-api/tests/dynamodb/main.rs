//! The program on DynamoDB, beyond what `tests/api` asks of the market on any database.
//!
//! `.ci/serverless` runs these, and `tests/api` on the same program.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "axum"))]
#![allow(clippy::unwrap_used)]

mod cost;
#[path = "../api/customer.rs"]
mod customer;
mod damage;
mod disturbed;
mod life;
mod order;
mod program;
mod size;
mod stand_in;

use std::path::PathBuf;

use serde_json::Value;

use crate::customer::Customer;
use crate::program::Program;

/// The program under test.
fn given() -> PathBuf {
    program::given().expect("GOAT_API_SERVERLESS names the program: run .ci/serverless")
}

/// The program on a table, and a customer of it.
fn market(table: &str) -> (Program, Customer) {
    let program = Program::start(&given(), table, &[""; 0]);
    let customer = Customer::of(&*program.base);
    (program, customer)
}

/// What DynamoDB's stand-in itself answers.
async fn on_dynamodb(action: &str, body: &Value) -> Value {
    let operation = format!("DynamoDB_20120810.{action}");
    stand_in::call("dynamodb", &operation, body).await
}
