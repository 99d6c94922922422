#![forbid(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Idempotency records in **Redis** or **Valkey**, over the `redis` crate.
//!
//! ```no_run
//! use axum::{Router, routing::post};
//! use idem_axum::IdempotencyLayer;
//! use idem_redis::RedisStore;
//!
//! async fn order() -> &'static str {
//!     "an order"
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Connects, and refuses a server that would drop records.
//! let store = RedisStore::builder("redis://127.0.0.1:6379").connect().await?;
//! let app: Router = Router::new()
//!     .route("/orders", post(order))
//!     .layer(IdempotencyLayer::new(store));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The server needs one setting: `maxmemory-policy noeviction`, which is Redis' default and not that of every
//! managed service. The crate needs Rust 1.88, because redis 1.8 does. It was tested on Redis 6.2 and 7.0,
//! Valkey 8.1, and a Redis Cluster of three nodes.
//!
//! # What it costs
//! Each operation is one Lua script on one key, and takes one round trip.
//!
//! | operation | round trips |
//! |---|---|
//! | a fresh request: claim, complete | 2 |
//! | a failed request: claim, release | 2 |
//! | a duplicate, whatever it finds | 1 |
//! | a renewal, a look-up | 1 |
//!
//! The first call of a script after the server was started takes one more, which sends its text. With
//! [`RedisBuilder::confirm`] a claim takes one more too.
//!
//! A record is one string under `idem:` and 32 bytes of the record key, with a time to live. It begins with the
//! state and the owner, which is all that a fence reads.
//!
//! # What Redis can and cannot promise
//! Duplicates are suppressed while the server keeps the record. It loses one in three ways:
//!
//! - **Eviction.** A server with a policy other than `noeviction` drops live records to make room. So
//!   [`connect`](RedisBuilder::connect) refuses it; [`RedisBuilder::allow_eviction`] is for who accepts that.
//! - **A restart.** Without persistence all records are gone. With `appendonly yes` and `appendfsync everysec`, those
//!   of the last second.
//! - **A failover.** Replication is asynchronous: a replica that is promoted may lack the last writes that were
//!   acknowledged. A claim that is lost this way lets a retry run while the original runs, and a completion that is lost
//!   lets it run again. [`RedisBuilder::confirm`] narrows the first gap, and closes neither.
//!
//! The fences hold through all of that: an owner whose record is gone or another's gets "lost", and overwrites
//! nothing. So the *record* stays right; the effect may have happened twice. For money, pass the key on
//! downstream, or keep the record in the same database transaction as the effect, as `idem-sqlx` does.
//!
//! # A full server
//! It refuses claims before anything runs, and the client gets 503. Duplicates are answered and replayed. A completion
//! lands all the same, because its claim was admitted.
//!
//! # When the server fails
//! | what happens | the call gets | and then |
//! |---|---|---|
//! | nobody listens | `Unavailable`, nothing written | the next call connects |
//! | the connection breaks during a call | `Unavailable`, may have landed | the next call connects |
//! | no answer within the call timeout, or within its caller's | `Timeout`, may have landed | after three in a row, the next call connects |
//! | the server became a replica | `Unavailable`, nothing written | the next call connects, and so follows the name |
//! | it loads its data, or its cluster is down | `Unavailable`, nothing written | the next call tries again |
//! | a primary of a cluster dies | `Unavailable` or `Timeout`, may have landed | once its replica was promoted, calls work |
//! | it is full | `Full`, nothing written | as above |
//! | it refuses the password or the command | `Rejected`, nothing written | the next call connects |
//! | it forbids its user a command of a script | `Rejected`, may have landed | the next call tries again |
//! | another program's value has the name | `Rejected` or `Corrupt`, nothing written | the value stays as it is |
//!
//! This is so for the store's own connection, by [`RedisStore::builder`] or [`RedisStore::with_client`]. One that you
//! hand over by [`RedisStore::with_connection`] follows its own rules, and may send a call again: a failure may have
//! landed there unless the server is full or another program's value has the name.
//!
//! # Clusters
//! With the feature `cluster`, [`RedisStore::cluster`] connects to a Redis Cluster. Each operation touches one key, so
//! no hash tags are needed. The cluster's client follows redirections and sends again after a broken connection, up to
//! 3 times within the call timeout. Where it did that to a release that had landed, the answer is `Lost`. Because an
//! earlier attempt may have landed, `Unavailable` and `Rejected` always mean "may have landed" there.
//!
//! A node that falls silent without closing its connections is not noticed by that client. After three calls without an
//! answer within five call timeouts, the next call connects to the cluster again, and finds the replica that was promoted.
//!
//! # TLS
//! `rediss://` URLs need the feature `tls-rustls`, which is not on by default, and trust the system's certificates; a
//! client with others is for [`RedisStore::with_client`]. If the process has no default cryptographic provider of
//! rustls, `connect` installs *ring*.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `cluster` | [`RedisStore::cluster`], for a Redis Cluster |
//! | `tls-rustls` | `rediss://` URLs |
//!
//! Neither is on by default. `redis-tests` adds nothing to the library.
//!
//! # Where next
//! - [`RedisBuilder`] has the settings, and [`ConnectError`] what `connect` complains about.
//! - The guide is `idem_core`'s module `guide`: its page on stores says when to take Redis and how to size it, and its
//!   page on crashes what each moment means for a client.
//! - `idem-sqlx` commits the record together with your own data.

mod answer;
mod builder;
mod check;
#[cfg(feature = "cluster")]
mod cluster_link;
mod confirming;
mod connect_error;
mod duration;
mod error;
mod failure;
mod link;
mod own_link;
mod quoted;
mod record;
mod scripts;
mod store;
mod tls;

pub use redis;

pub use crate::{builder::RedisBuilder, connect_error::ConnectError, store::RedisStore};
