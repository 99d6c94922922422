//! The cases, a module for each group.

pub mod credentials;
pub mod faults;
pub mod fingerprint;
pub mod key;
pub mod leases;
pub mod limits;
pub mod nested;
pub mod replay;
pub mod results;
pub mod streams;
pub mod threads;
pub mod travelling;
pub mod vanished;

use idem_core::{KeyRequirement, Policy};

/// Both profiles that the scenarios tell apart, with the status of a mismatch and of "in progress".
fn profiles() -> [(Policy, u16, u16); 2] {
    let ietf = Policy::ietf().key_requirement(KeyRequirement::Optional);
    [(Policy::reference(), 400, 202), (ietf, 422, 409)]
}
