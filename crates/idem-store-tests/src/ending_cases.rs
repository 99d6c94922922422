//! The rules about transactions that end executions, by what they are about; each case's documentation is
//! the rule that it checks.

#![allow(
    clippy::missing_errors_doc,
    reason = "each errs alike, as `Verdict` says"
)]

pub mod begun;
pub mod committed;
pub mod connections;
pub mod doubt;
pub mod lost;
pub mod undone;
