//! The store in an SQLite file.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]
#![cfg(feature = "sqlite")]

mod contract;
mod damaged;
mod database;
mod doubt;
mod durability;
mod ending_cases;
#[path = "../support/endings.rs"]
mod endings;
mod file;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/killed.rs"]
mod killed;
#[path = "../support/kills.rs"]
mod kills;
#[path = "../support/market.rs"]
mod market;
mod orders;
mod prepare;
mod processes;
#[path = "../support/serving.rs"]
mod serving;
mod sweeping;
mod waiting;
mod writers;
