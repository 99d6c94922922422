#![forbid(unsafe_code)]
//! Chaos for a store: workers that contend for each key as the engine would, crash and stand still past their
//! leases, and a judge who holds what they were told against the contract.
//!
//! The store's tests let its calls fail, and bring the clock on which its leases run. The seed draws every
//! choice; the interleaving stays the machine's.

mod clock;
mod contest;
mod defective;
mod judge;
mod seeds;
mod statistics;
mod worker;

pub use crate::{
    clock::{Clock, Pace},
    contest::{Contest, Report, key},
    defective::{Defective, Unfenced, Write},
    judge::{Asked, Judge, Violation},
    seeds::{from_env, is_caught},
    statistics::Statistics,
};
