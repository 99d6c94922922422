//! The rules, by what they are about; each case's documentation is the rule that it checks.
//!
//! A case panics when the store breaks its rule. "Somebody" has a lease of their own, with an owner
//! token, a fingerprint and credentials that no other has.

#![allow(
    clippy::missing_errors_doc,
    reason = "each errs alike, as `Verdict` says"
)]

pub mod capacity;
pub mod claim;
pub mod complete;
pub mod concurrency;
pub mod expiry;
pub mod faults;
pub mod fidelity;
pub mod look_up;
pub mod meeting;
pub mod release;
pub mod renew;
pub mod threads;
pub mod trace;
pub mod travel;
