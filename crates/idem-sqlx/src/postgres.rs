//! The store in PostgreSQL.
//!
//! One row a key is the state machine, and its lock is the fence. Renewals are rows of another table,
//! so that a handler's transaction at REPEATABLE READ or SERIALIZABLE, which was begun before a
//! renewal, can still write the record.

mod builder;
mod connection;
mod ending;
mod enlistment;
mod error;
mod prepare;
mod statements;
mod store;
mod transaction;

pub use self::{
    builder::PostgresBuilder,
    enlistment::{PostgresEnlistment, PostgresParameters, PostgresWritten},
    store::PostgresStore,
    transaction::PostgresTransaction,
};
