#![forbid(unsafe_code)]
// Without a database there is nothing that uses what both have in common.
#![cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
//! Idempotency records in **PostgreSQL** or **SQLite**, beside an application's own data, over sqlx.
//!
//! ```
//! use axum::{Router, routing::post};
//! use idem_axum::IdempotencyLayer;
//! # #[cfg(feature = "sqlite")]
//! use idem_sqlx::SqliteStore;
//! # #[cfg(feature = "sqlite")]
//! use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
//!
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("market.db");
//! let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
//! let pool = SqlitePool::connect_with(options).await?;
//!
//! // Creates the tables if they are missing, and checks that the store can work with them.
//! let store = SqliteStore::builder(&pool).prepare().await?;
//! let app: Router = Router::new()
//!     .route("/orders", post(async || "ordered"))
//!     .layer(IdempotencyLayer::new(store));
//! # drop(app);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! On PostgreSQL it is `PostgresStore::builder(&pool)`. Each database is a feature, `postgres` and
//! `sqlite`, and neither is on by default. The crate needs Rust 1.94, because sqlx 0.9 does.
//!
//! # Tables
//! [`Tables`] names them: `idem_records`, `idem_schema` and, on PostgreSQL, `idem_renewals` unless set.
//! Either let the store create them (`prepare`), or run the SQL of `migrations` with your own, and let
//! the store `check` them. Both say what is wrong: a table that is missing or of another version, a
//! replica, a missing privilege, a database that is not the pool's ([`PrepareError`]).
//!
//! # Connections
//! The store takes the pool's connect options and opens a few connections of its own, so a handler that
//! holds one of the pool's connections never blocks its own claim. The store's connections have
//! short timeouts: when the store gives a call up, the database stops it too, and a claim that timed
//! out is not granted a second later. `call_timeout` must stay below what the policy gives a call, which
//! is half of its `store_timeout` and a third of the lease.
//!
//! # What it costs
//! | | PostgreSQL | SQLite |
//! |---|---|---|
//! | fresh claim | 1 round trip, 1 flush | a read and a write, not flushed |
//! | duplicate | 1 round trip, no write | a read, which waits for nobody |
//! | renewal | 1 round trip, 1 flush | a write, not flushed |
//! | completion | 1 round trip, 1 flush | a write, 1 flush |
//! | release | 1 round trip, 1 flush | a write, not flushed |
//! | taking over a lease that ran out | 5 round trips | as a fresh claim |
//!
//! The first time that a connection sends a statement, it takes another round trip to prepare it.
//!
//! # PostgreSQL
//! Version 13 or newer. One row a key is the state machine, and its lock is the fence; renewals are rows
//! of another table. The store's own connections work at READ COMMITTED, whatever the database's default
//! is. Behind pgbouncer in transaction mode, say so:
//! `PostgresBuilder::behind_transaction_pooler`.
//!
//! # SQLite
//! For the processes of one host, and for files in WAL mode. SQLite allows one writer at a time. This
//! process's stores queue at one gate per file; other processes and the application's own transactions
//! compete for SQLite's lock. A duplicate never waits for a writer. A fresh claim or a renewal does, so
//! make a lease three times as long as the longest write transaction.
//!
//! The clock is the host's wall clock. SQLite reads it inside the statement, after the wait for the lock, and all
//! processes share it. If somebody sets it back, leases and results live longer by as much.
//!
//! Claims commit with `synchronous = NORMAL`. A process that dies loses nothing. A power cut may lose
//! claims made since the last flush; each completion flushes, and so does each commit of the
//! application's at FULL.
//!
//! # Expired records
//! An expired record is absent to every operation at once. A background task of the store deletes it
//! later, in bounded batches, and ends when the last clone of the store is dropped.

mod budget;
mod connections;
mod duration;
mod error;
mod failure;
mod migration;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod settings;
#[cfg(feature = "sqlite")]
mod sqlite;
mod sweeper;
mod tables;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod transaction;

#[cfg(feature = "postgres")]
pub use crate::postgres::{PostgresBuilder, PostgresStore, PostgresTransaction};
#[cfg(feature = "sqlite")]
pub use crate::sqlite::{SqliteBuilder, SqliteStore, SqliteTransaction};
pub use crate::{
    error::{InvalidName, PrepareError},
    migration::Migration,
    tables::Tables,
};
