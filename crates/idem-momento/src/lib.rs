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
//! Three values stand under an item's key, which is the 32 bytes of the record key: a pending record,
//! byte-identical for its whole lease; a completed one; and a constant that says "released". Only
//! conditional writes (`SetIf…`) and reads ever touch an item: Momento leaves undefined what happens
//! when they are mixed with `Set` or `Delete`, and has no conditional delete.
//!
//! | operation | call | round trips |
//! |---|---|---|
//! | claim | `SetIfAbsentOrEqual(pending, equal = released, TTL = lease)`, then `Get` if it was not stored | 1 fresh, 2 duplicate |
//! | renew | `SetIfEqual(pending, equal = pending, TTL = lease)` | 1 |
//! | complete | `SetIfAbsentOrEqual(completed, equal = pending, TTL = retention)` | 1 |
//! | release | `SetIfEqual(released, equal = pending, TTL = 1 s)` | 1 |
//! | look up | `Get`, then `ItemGetTtl` of what it found | 1 absent, 2 otherwise |
//!
//! Reads may be stale, so only a `SetIf…` ever authorises an execution; a `Get` may only deny one.
//!
//! # What it costs, and its limits
//! As Momento documents them for on-demand plans (read in August 2026): items of up to 5 MB, a
//! time-to-live of up to 24 hours, and a soft limit of 100 operations a second in a region. A `SetIf…`
//! counts as two operations for each KB and a `Get` as one, so a fresh request costs about 4 and a
//! replay about 3: some 25 fresh requests a second on the default limits.
//!
//! # What a cache can and cannot promise
//! Duplicates are suppressed while the cache keeps the record. It does not aim to evict before the
//! time-to-live, and does not promise not to: a record that is lost lets its request run again. So does
//! a crash after the effect and before the record, or work that outlasts its lease. For money, pass the
//! key on downstream, or keep the record in the same database transaction as the effect. The protocol
//! assumes that `SetIf…` is linearizable.
//!
//! # Servers and Lambda
//! [`MomentoStore::from_env`] has 500 ms deadlines and keep-alive, for servers in the cache's region: a
//! connection that died silently is noticed within seconds. In a Lambda function keep-alive does harm: an
//! instance is frozen between its requests, and answers no ping. So [`MomentoStore::on_lambda`] has the
//! SDK's `configurations::Lambda`, without it, and does two things in its place. After a minute without calls
//! the client is built anew before the next one ([`MomentoStore::idle`]), for a connection may have died
//! meanwhile; and it is built anew after three calls in a row that had no answer, as each client of
//! [`MomentoStore::connect`] is.
//!
//! An instance that starts makes up to 3 control calls in [`MomentoStore::prepare`], of which Momento takes
//! about 5 a second: where many start together, go on without the check when it fails with
//! `LimitExceededError`, or make it when you deploy.

//!
//! # The SDK's types
//! Constructors and errors of this crate have types of the SDK, which is re-exported as [`momento`]: an application
//! that names them there has the version that this crate uses, and needs no dependency of its own.
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
