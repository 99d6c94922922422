#![forbid(unsafe_code)]
//! Idempotency records in Momento **Serverless Cache**, over the `momento` SDK.
//!
//! ```no_run
//! use std::time::Duration;
//! use idem_axum::{IdempotencyLayer, Policy};
//! use idem_momento::MomentoStore;
//!
//! # async fn start() -> Result<IdempotencyLayer, Box<dyn std::error::Error>> {
//! let retention = Duration::from_secs(12 * 60 * 60);
//! // MOMENTO_API_KEY and MOMENTO_ENDPOINT are in the environment.
//! let store = MomentoStore::from_env("idempotency-cache")?.prepare(retention).await?;
//! let idempotency = IdempotencyLayer::new(store).policy(Policy::ietf().retention(retention));
//! # Ok(idempotency)
//! # }
//! ```
//!
//! `idem-actix` takes it in the same way, and so does `Idempotency::new` of `idem-core`. The crate has no features, and
//! the oldest supported Rust is 1.85. The guide's page on stores, in `idem_core`'s module `guide`, says when to take it.
//!
//! # The protocol
//! An item's key is the 32 bytes of the record key. Its value is a pending record, which is byte-identical for
//! its whole lease, a completed one, or a constant that says "released". Only conditional writes (`SetIf…`) and
//! reads ever touch an item: Momento leaves undefined what happens when they are mixed with `Set` or `Delete`,
//! and has no conditional delete.
//!
//! | operation | call | round trips |
//! |---|---|---|
//! | claim | `SetIfAbsentOrEqual(pending, equal = released, TTL = lease)`, then `Get` if it was not stored | 1 fresh, 2 duplicate |
//! | renew | `SetIfEqual(pending, equal = pending, TTL = lease)` | 1 |
//! | complete | `SetIfAbsentOrEqual(completed, equal = pending, TTL = retention)` | 1 |
//! | release | `SetIfEqual(released, equal = pending, TTL = 1 s)` | 1 |
//! | look up | `Get`, then `ItemGetTtl` of what it found | 1 absent, 2 otherwise |
//!
//! Reads may be stale, so only a `SetIf…` can authorise an execution; a `Get` can only deny one.
//!
//! # What it costs, and its limits
//! As Momento documents them for on-demand plans (read in August 2026): items of up to 5 MB, a
//! time-to-live of up to 24 hours, and a soft limit of 100 operations a second in a region. A `SetIf…`
//! counts as two operations for each KB and a `Get` as one, so a fresh request costs about 4 and a
//! replay about 3: some 25 fresh requests a second on the default limits.
//!
//! # What a cache can and cannot promise
//! Duplicates are suppressed while the cache keeps the record. The cache aims to keep it until the
//! time-to-live, but does not promise to: if a record is lost, its request can run again. The same is true
//! after a crash between the effect and the record, or if work outlasts its lease. For money, pass a derived
//! key on downstream, or keep the record in the same database transaction as the effect. The protocol assumes
//! that `SetIf…` is linearizable.
//!
//! # Servers and Lambda
//! [`MomentoStore::from_env`] has 500 ms deadlines and keep-alive, for servers in the cache's region: a
//! connection that died silently is noticed within seconds. In a Lambda function keep-alive does harm: an
//! instance is frozen between its requests, and answers no ping. So [`MomentoStore::on_lambda`] has the SDK's
//! `configurations::Lambda`, without it, and does two things in its place. After a minute without calls the
//! client is rebuilt before the next one ([`MomentoStore::idle`]), because its connection may have died
//! meanwhile. Like every client of [`MomentoStore::connect`], it is also rebuilt after three calls in a row
//! without an answer.
//!
//! An instance makes up to 3 control calls at its start, in [`MomentoStore::prepare`], and Momento takes about
//! 5 a second. If many instances start together, go on without the check when it fails with
//! `LimitExceededError`, or run it when you deploy.
//!
//! # The SDK's types
//! Constructors and errors of this crate use types of the SDK, which is re-exported as [`momento`]. An
//! application that takes them from there gets the same version, and needs no dependency of its own.
//!
//! ```no_run
//! use idem_momento::{
//!     MomentoStore,
//!     momento::{CredentialProvider, MomentoResult},
//! };
//!
//! fn store() -> MomentoResult<MomentoStore> {
//!     let credentials = CredentialProvider::from_default_env_var_v2()?;
//!     MomentoStore::on_lambda(credentials, "idempotency-cache")
//! }
//! ```

mod client;
mod error;
mod prepare;
mod store;

pub use momento;

pub use crate::{prepare::PrepareError, store::MomentoStore};
