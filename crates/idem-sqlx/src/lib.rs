#![forbid(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Without a database there is nothing that uses what both have in common.
#![cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
//! Idempotency records in **PostgreSQL** or **SQLite**, beside an application's own data, over sqlx. A handler
//! that works in a transaction of the store takes effect exactly once: its effect and the record of its
//! response are one commit.
//!
//! ```
//! use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::post};
//! use idem_axum::IdempotencyLayer;
//! use idem_core::CurrentExecution;
//! # #[cfg(feature = "sqlite")]
//! use idem_sqlx::SqliteStore;
//! # #[cfg(feature = "sqlite")]
//! use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
//! # struct AppError(sqlx::Error);
//! # impl From<sqlx::Error> for AppError { fn from(error: sqlx::Error) -> Self { Self(error) } }
//! # impl axum::response::IntoResponse for AppError {
//! #     fn into_response(self) -> axum::response::Response {
//! #         (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
//! #     }
//! # }
//!
//! # #[cfg(feature = "sqlite")]
//! async fn order(
//!     State(store): State<SqliteStore>,
//!     current: Option<Extension<CurrentExecution>>,
//!     Json(item): Json<String>,
//! ) -> Result<(StatusCode, Json<i64>), AppError> {
//!     let mut tx = store.begin(current.as_deref()).await?;
//!     let id = sqlx::query_scalar("INSERT INTO orders (item) VALUES (?1) RETURNING id")
//!         .bind(item)
//!         .fetch_one(&mut *tx)
//!         .await?;
//!     tx.commit_with_response().await?; // Under a key: handed over. Without a key: committed now.
//!     Ok((StatusCode::CREATED, Json(id)))
//! }
//!
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("market.db");
//! let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
//! let pool = SqlitePool::connect_with(options).await?;
//! # sqlx::raw_sql("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)").execute(&pool).await?;
//!
//! // Creates the tables if they are missing, and checks that the store can work with them.
//! let store = SqliteStore::builder(&pool).prepare().await?;
//! let app: Router = Router::new()
//!     .route("/orders", post(order))
//!     .layer(IdempotencyLayer::new(store.clone()))
//!     .with_state(store);
//! # for replayed in [false, true] {
//! #     let request = axum::http::Request::post("/orders").header("idempotency-key", "k");
//! #     let request = request.header("content-type", "application/json").body("\"goat\"".into())?;
//! #     let response = tower::ServiceExt::<axum::http::Request<axum::body::Body>>::oneshot(app.clone(), request).await?;
//! #     assert_eq!(response.status(), 201);
//! #     assert_eq!(response.headers().contains_key("idempotency-replayed"), replayed);
//! # }
//! # let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&pool).await?;
//! # assert_eq!(orders, 1);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! On PostgreSQL it is `PostgresStore::builder(&pool)`. Each database is a feature, `postgres` and
//! `sqlite`, and neither is on by default. The crate needs Rust 1.94, because sqlx 0.9 does.
//!
//! # Exactly once
//! `begin` takes the request's [`CurrentExecution`](idem_core::CurrentExecution) and gives a transaction on the
//! application's pool, which dereferences to sqlx's connection. `commit_with_response` hands it over. Once
//! the response is known, and before its first byte leaves, the store writes the record into that transaction,
//! behind the owner's fence, and commits.
//!
//! | what happened | the effect | the client gets | the key |
//! |---|---|---|---|
//! | the response is kept | committed with the record | the response | completed |
//! | the handler fails or panics | rolled back | its error | freed |
//! | somebody else has the key by now | rolled back | what a duplicate gets | untouched |
//! | a serialization failure, a deadlock, a connection that broke before COMMIT | rolled back | 503 with `Retry-After` | freed |
//! | a deferred constraint, or a statement that failed and whose error was dropped | rolled back | 500 | freed |
//! | the connection broke at COMMIT | found out by a write that waits for that COMMIT | the response or 503 | completed or freed |
//! | … and nobody could be asked | unknown | 503 | left to its lease |
//!
//! Errors of `begin` and `commit_with_response` are sqlx's. A transaction that cannot end the execution is
//! refused by `begin`, before it has an effect: a second one, one of another store than the layer's, one
//! after the lease has travelled. Dropped, a transaction rolls back. Without a key, `current` is `None` and
//! `commit_with_response` commits at once.
//!
//! Make `commit_with_response` the handler's last line for the database, and leave COMMIT and ROLLBACK to it.
//! A handler that says COMMIT in SQL of its own has its effect before its record; the store notices, logs an
//! error, and still writes the record.
//!
//! The application's role needs SELECT, INSERT and UPDATE on the records. On PostgreSQL any isolation level
//! works (`begin_with`), and a commit that carries a record waits for the disk even where
//! `synchronous_commit` is off. A rollback undoes what the transaction did, and nothing that the handler did
//! elsewhere.
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
//! make a lease three times as long as the longest write transaction. A handler's transaction from `begin` stands in
//! that queue too and keeps its turn to its end, so do nothing slow within it. Its own lease is not renewed
//! meanwhile, and nobody can take it over.
//!
//! The clock is the host's wall clock. SQLite reads it inside the statement, after the wait for the lock, and all
//! processes share it. If somebody sets it back, leases and results live longer by as much.
//!
//! Claims commit with `synchronous = NORMAL`. A process that dies loses nothing. A power cut may lose
//! claims made since the last flush; each completion flushes, and so does each commit of the
//! application's at FULL. Leases that nobody takes over
//! ([`OnLeaseEnd::Refuse`](idem_core::OnLeaseEnd::Refuse)) are flushed at once.
//!
//! # Expired records
//! An expired record is absent to every operation at once. A background task of the store deletes it
//! later, in bounded batches, and ends when the last clone of the store is dropped.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `postgres` | `PostgresStore` |
//! | `sqlite` | `SqliteStore`, with the SQLite that `libsqlite3-sys` bundles |
//!
//! Neither is on by default. `postgres-tests` adds nothing to the library.
//!
//! # Where next
//! - `PostgresStore` or `SqliteStore`, and their builders, which have the settings.
//! - The guide is `idem_core`'s module `guide`: its page on exactly once has transactions, what clients see, COMMIT in
//!   doubt and pgbouncer, and its page on stores says when to take which.
//! - `PostgresEnlistment` is for handlers on
//!   other drivers, such as tokio-postgres or `SeaORM`.

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
pub use crate::postgres::{
    PostgresBuilder, PostgresEnlistment, PostgresParameters, PostgresStore, PostgresTransaction,
    PostgresWritten,
};
#[cfg(feature = "sqlite")]
pub use crate::sqlite::{SqliteBuilder, SqliteStore, SqliteTransaction};
pub use crate::{
    error::{InvalidName, PrepareError},
    migration::Migration,
    tables::Tables,
};
