#![forbid(unsafe_code)]
//! Make operations safe to retry.
//!
//! A client sends `Idempotency-Key: K`; however often that request arrives, the operation takes
//! effect once, and every copy gets an honest answer: the identical response, an error because the
//! key came with another payload, or the word that the original is still running.
//!
//! This crate knows no web framework. It has the [key](IdempotencyKey), the
//! [scope](Scope), the [fingerprint](Fingerprint), the [records](Record), the
//! [store contract](IdempotencyStore) with a store in [memory](MemoryStore), the pure
//! [decision](decide), the [policy](Policy), the [refusals](Refusal), and the
//! [engine](Idempotency) that joins them. An adapter such as `idem-axum` converts types and
//! nothing else.
//!
//! # What it promises, and what not
//! While the store keeps the record, an operation whose response was kept runs once. It is not
//! exactly-once: the record is apart from the data, so a crash between the handler's effect and
//! the record, or work that outlasts its lease, can run again. Where that must not be, pass the
//! key on to what is called downstream, or keep the record in the same transaction as the effect.

mod adapter;
mod calls;
mod digest;
mod engine;
mod event;
mod execution;
mod memory;
mod policy;
mod record;
mod request;
mod store;

#[cfg(feature = "metrics")]
pub use crate::event::describe_metrics;
#[cfg(feature = "mock")]
pub use crate::store::MockIdempotencyStore;
pub use crate::{
    adapter::{Exchange, Frames, Handled, Opened, Reading, Rendered, ResponseHead, Stop, causes},
    engine::{
        Admission, Begin, Decision, Done, Freed, Idempotency, KeyState, KeyStatus, OperationError,
        Protected, Resumed, Resumption, RunError, decide,
    },
    event::{Answered, End, Event, Observer},
    execution::{
        CurrentExecution, Execution, HandOver, InvalidLease, TravelError, TravellingLease, Verdict,
        Watch,
    },
    memory::{MemoryLimits, MemoryStore},
    policy::{
        KeyRequirement, LeaseTerm, OnLeaseEnd, OnStoreFailure, Policy, Profile, Recording, Refusal,
    },
    record::{
        Completed, DecodeError, Headers, Identity, Lease, NotKept, Outcome, OwnerToken, Pending,
        Record, RecordKey, Response, Stored, decode, encode_completed, encode_pending,
    },
    request::{
        CredentialsDigest, Fingerprint, FingerprintRules, HeaderName, IdempotencyKey, InvalidKey,
        InvalidName, JsonPointer, KeyFormat, KeySyntax, MAX_KEY_BYTES, MethodName,
        ParsePointerError, RequestHead, Scope,
    },
    store::{
        Capacity, Claim, Fenced, IdempotencyStore, Operation, StoreError, StoreErrorKind,
        WriteEffect,
    },
};
