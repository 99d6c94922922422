//! Chaos: what holds while clients hang up, handlers fail and servers are killed at random.
//!
//! Each test prints its seed; `CHAOS_SEED` sets it. It draws every choice that the tests make, the
//! interleaving stays the machine's. No assertion depends on how fast that machine is.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod errands;
mod hang_ups;
mod kills;
mod seed;
mod wire;
