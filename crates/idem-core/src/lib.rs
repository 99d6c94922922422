#![forbid(unsafe_code)]
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
//! # Where to look
//! - Using it: [`Idempotency`], [`Policy`] with its three profiles, [`Scope`], [`MemoryStore`], and
//!   [`CurrentExecution`], which is what a handler may know of its own execution.
//! - Operating it: [`event`], [`operator`].
//! - Writing a store: [`store`]. Writing an adapter for another framework: [`adapter`].
//!
//! # What it promises
//! While the store keeps the record, an operation whose response was kept runs once. That is not
//! exactly-once: the record is apart from your data, so a crash between the handler's effect and the
//! record, or work that outlasts its lease, can run again. Where that must not happen, pass a
//! [derived key](CurrentExecution::derived_key) on to what you call, or let a store commit the record in
//! the handler's own transaction, as `idem-sqlx` does on PostgreSQL and SQLite
//! ([`store::Ending`]).

pub mod adapter;
mod calls;
mod contract;
mod digest;
mod engine;
mod events;
mod execution;
mod memory;
mod policy;
mod record;
mod request;

pub use crate::{
    contract::IdempotencyStore,
    engine::{Continuation, Done, Idempotency, OperationError, Resumed, RunError},
    execution::{CurrentExecution, InvalidLease, TravelError, TravellingLease, Undone, Verdict},
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
/// A store implements [`IdempotencyStore`], and shows by the crate `idem-store-tests` that it keeps the
/// contract.
pub mod store {
    #[cfg(feature = "mock")]
    pub use crate::contract::MockIdempotencyStore;
    #[doc(no_inline)]
    pub use crate::{Headers, IdempotencyStore, RecordKey, Response};
    pub use crate::{
        contract::{
            Capacity, Claim, Commit, Completion, Ending, Fenced, InDoubt, Operation, RolledBack,
            StoreError, StoreErrorKind, StoreIdentity, WriteEffect,
        },
        execution::{EnlistError, Renewals, Reservation},
        record::{
            Completed, DecodeError, Identity, Lease, NotKept, Outcome, OwnerToken, Pending, Record,
            Stored, decode, encode_completed, encode_pending,
        },
        request::{CredentialsDigest, Fingerprint},
    };
}

/// For operators: what happens, reported once, to `tracing`, to metrics and to the application.
pub mod event {
    #[cfg(feature = "metrics")]
    pub use crate::events::describe_metrics;
    pub use crate::events::{Answered, End, Event, Observer};
}

/// For operators: where a key stands, and what freeing it found.
pub mod operator {
    pub use crate::engine::{Freed, KeyState, KeyStatus};
}
