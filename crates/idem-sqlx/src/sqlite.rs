//! The store in an SQLite file.
//!
//! SQLite has one writer at a time. Writers of this process line up at a [gate](gate), in order, so that none
//! waits in SQLite's own lottery; a claim reads first and goes there only for a key that is free.

mod builder;
mod connection;
mod ending;
mod error;
mod gate;
mod prepare;
mod statements;
mod store;
mod transaction;

pub use self::{builder::SqliteBuilder, store::SqliteStore, transaction::SqliteTransaction};
