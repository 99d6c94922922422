//! A goat market: an API to manage goats, each goat's catalog and orders.
//!
//! It is the reference system of the `idem` crates: registering a goat and placing an order are
//! the two operations that a client must be able to repeat without harm.

#![forbid(unsafe_code)]

#[cfg(any(feature = "dynamodb", feature = "lambda"))]
pub mod aws;
pub mod cli;
pub mod database;
pub mod log;
pub mod market;
pub mod server;
pub mod web;
