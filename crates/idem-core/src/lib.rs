#![forbid(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Make operations safe to retry.
//!
//! A client sends `Idempotency-Key: K`. However often that request arrives, the operation takes effect
//! once, and every copy gets an honest answer: the identical response, an error because the key came with
//! another payload, or "in progress" while the original is still running.
//!
//! ```
//! use idem_core::{Idempotency, IdempotencyKey, MemoryStore, Policy};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let idempotency = Idempotency::new(MemoryStore::new(), Policy::default());
//! let key = IdempotencyKey::new("message-17")?;
//! for _ in 0..2 {
//!     // Runs once; the second call gets the first one's value.
//!     let ship = || async { Ok::<_, std::io::Error>("parcel-4".to_owned()) };
//!     let parcel = idempotency.run(&key, &"order-9", ship).await?;
//!     assert_eq!(parcel.into_value(), "parcel-4");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! HTTP handlers get the same from an adapter: `idem-axum` or `idem-actix`. This crate knows no web
//! framework.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `metrics` | events as metrics, through the `metrics` facade, and `event::describe_metrics` |
//! | `mock` | `store::MockIdempotencyStore`, a mockall mock of the store trait for an application's own tests |
//!
//! Neither is on by default, and neither changes how the rest behaves. The oldest supported Rust is 1.85.
//!
//! # Where next
//! - The guide is the module [`guide`]: a tutorial, how-to pages, a reference, and what happens in a crash.
//! - Using it: [`Idempotency`], [`Policy`] with its three profiles, [`Scope`], [`MemoryStore`], and
//!   [`CurrentExecution`], a handler's view of its own execution.
//! - Operating it: [`event`], [`operator`].
//! - Writing a store: [`store`]. Writing an adapter for another framework: [`adapter`].
//!
//! # What it promises
//! An operation whose response was kept runs once while the store keeps the record. That is not exactly-once:
//! the record is stored apart from your data, so work can run again after a crash between the handler's effect
//! and the record, or after its lease is lost, because the process or the store stood still for longer than the
//! lease. If that must not happen, pass a [derived key](CurrentExecution::derived_key) on to the services that
//! you call, or let a store commit the record in the handler's own transaction, as `idem-sqlx` does on
//! PostgreSQL and SQLite, and `idem-dynamodb` on DynamoDB ([`store::Ending`]).

pub mod adapter;
mod calls;
mod contract;
mod digest;
mod engine;
mod events;
mod execution;
// Its snippets are doctests in the repository, where the crates that they name are at hand.
#[cfg(all(doc, not(doctest)))]
pub mod guide;
mod local_cache;
mod memory;
mod policy;
mod record;
mod request;

pub use crate::{
    contract::IdempotencyStore,
    engine::{Continuation, Done, Idempotency, OperationError, Resumed, RunError},
    execution::{CurrentExecution, InvalidLease, TravelError, TravellingLease, Undone, Verdict},
    local_cache::LocalCache,
    memory::{MemoryLimits, MemoryStore},
    policy::{KeyRequirement, LeaseTerm, OnLeaseEnd, OnStoreFailure, Policy, Profile, Refusal},
    record::{Headers, RecordKey, Response},
    request::{
        FingerprintRules, HeaderName, IdempotencyKey, InvalidKey, InvalidName, JsonPointer,
        KeyFormat, KeySyntax, MethodName, ParsePointerError, Scope,
    },
};

/// For authors of stores: the contract, the records that cross it, and their bytes elsewhere.
///
/// A store implements [`IdempotencyStore`], whose page shows one in 140 lines. The crate `idem-store-tests`
/// checks that it keeps the contract.
///
/// For an application's own tests, the feature `mock` has a mock of the trait. An unexpected call fails the
/// test:
///
#[cfg_attr(feature = "mock", doc = "```")]
#[cfg_attr(not(feature = "mock"), doc = "```ignore")]
/// use idem_core::{
///     Idempotency, IdempotencyKey, Policy, Refusal, RunError,
///     store::{MockIdempotencyStore, Operation, StoreError, StoreErrorKind, WriteEffect},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = MockIdempotencyStore::new();
/// store.expect_claim().returning(|_, _| {
///     Err(StoreError::new(Operation::Claim, StoreErrorKind::Unavailable, WriteEffect::None))
/// });
/// let idempotency = Idempotency::new(store, Policy::default());
/// let key = IdempotencyKey::new("order-1")?;
/// let order = || async { Ok::<_, std::io::Error>(17) };
/// let refused = idempotency.run(&key, &(), order).await;
/// assert!(matches!(refused, Err(RunError::Refused(Refusal::StoreUnavailable))));
/// # Ok(())
/// # }
/// ```
///
/// If a test needs a store that works and then fails, wrap any store in the `FaultyStore` of
/// `idem-store-tests`.
pub mod store {
    #[cfg(feature = "mock")]
    pub use crate::contract::MockIdempotencyStore;
    #[doc(no_inline)]
    pub use crate::{Headers, IdempotencyStore, RecordKey, Response};
    pub use crate::{
        contract::{
            Capacity, Claim, Commit, Completion, Ending, Fenced, InDoubt, Operation, Recall,
            RolledBack, StoreError, StoreErrorKind, StoreIdentity, WriteEffect,
        },
        execution::{EnlistError, Renewals, Reservation},
        record::{
            Completed, DecodeError, Identity, Lease, NotKept, Outcome, OwnerToken, Pending, Record,
            Stored, decode, encode_completed, encode_pending,
        },
        request::{CredentialsDigest, Fingerprint, RequestTag},
    };
}

/// For operators: what happens, reported once, to `tracing`, to metrics and to the application.
pub mod event {
    #[cfg(feature = "metrics")]
    pub use crate::events::describe_metrics;
    pub use crate::events::{Answered, End, Event, Observer};
}

/// For operators: the state of a key, and the result of freeing it.
pub mod operator {
    pub use crate::engine::{Freed, KeyState, KeyStatus};
}
