//! The store in an SQLite file.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]
#![cfg(feature = "sqlite")]

mod contract;
mod durability;
mod ending_cases;
mod endings;
mod file;
mod killed;
#[path = "../support/kills.rs"]
mod kills;
mod prepare;
mod processes;
mod sweeping;
mod writers;
