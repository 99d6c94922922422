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

mod calls;
mod codec;
mod credentials;
mod current;
mod decision;
mod digest;
mod engine;
mod event;
mod exchange;
mod execution;
mod fingerprint;
mod grpc;
mod hand_over;
mod key;
mod lease_term;
mod memory;
mod name;
mod operator;
mod policy;
mod reading;
mod record;
mod record_key;
mod recording;
mod refusal;
mod request;
mod response;
mod resumption;
mod run;
mod scope;
mod store;
mod travelling_lease;
mod waiting;

#[cfg(feature = "metrics")]
pub use crate::event::describe_metrics;
#[cfg(feature = "mock")]
pub use crate::store::MockIdempotencyStore;
pub use crate::{
    codec::{DecodeError, decode, encode_completed, encode_pending},
    credentials::CredentialsDigest,
    current::{CurrentExecution, TravelError},
    decision::{Decision, decide},
    engine::{Admission, Begin, Idempotency, Protected},
    event::{Answered, End, Event, Observer},
    exchange::{Exchange, Handled, Opened, Rendered, ResponseHead},
    execution::{Execution, Verdict},
    fingerprint::{Fingerprint, FingerprintRules, JsonPointer, ParsePointerError},
    hand_over::{HandOver, Watch},
    key::{IdempotencyKey, InvalidKey, KeyFormat, KeySyntax, MAX_KEY_BYTES},
    lease_term::LeaseTerm,
    memory::{MemoryLimits, MemoryStore},
    name::{HeaderName, InvalidName, MethodName},
    operator::{Freed, KeyState, KeyStatus},
    policy::{KeyRequirement, OnLeaseEnd, OnStoreFailure, Policy, Profile},
    reading::{Frames, Reading, Stop, causes},
    record::{Completed, Identity, Lease, NotKept, Outcome, OwnerToken, Pending, Record, Stored},
    record_key::RecordKey,
    recording::Recording,
    refusal::Refusal,
    request::RequestHead,
    response::{Headers, Response},
    resumption::{Resumed, Resumption},
    run::{Done, OperationError, RunError},
    scope::Scope,
    store::{
        Capacity, Claim, Fenced, IdempotencyStore, Operation, StoreError, StoreErrorKind,
        WriteEffect,
    },
    travelling_lease::{InvalidLease, TravellingLease},
};
