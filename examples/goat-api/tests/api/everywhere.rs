//! The tests of the API that run in each framework and on each store; `fresh` says which store that is.

mod catalog;
mod customer;
mod delayed;
mod failures;
mod goats;
mod idempotency;
mod orders;
#[path = "../dynamodb/program.rs"]
mod program;
mod refusals;
pub(crate) mod support;

use super::{FRAMEWORK, routes, serve};
