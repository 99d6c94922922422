//! Fuzzers for everything that takes bytes from a stranger, on the stable compiler.
//!
//! Each throws mutated inputs at one entrance and compares what comes out with a plain reading of
//! the standard, overflow checks on. `cargo test` runs a few thousand inputs, the same each time;
//! `.ci/fuzz-core 600` runs other ones for that many seconds each. An input that fails is written to a
//! file, and belongs into `corpus` once it is repaired.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "../fingerprint/dice.rs"]
mod dice;
#[path = "../fingerprint/edit.rs"]
mod edit;
mod fuzzer;
mod json;
mod key;
mod lease;
mod multipart;
#[path = "../fingerprint/neighbour.rs"]
mod neighbour;
#[path = "../fingerprint/oracle.rs"]
mod oracle;
mod record;
mod request;
#[allow(dead_code, reason = "the other tests spell more than is fuzzed")]
#[path = "../fingerprint/spelling.rs"]
mod spelling;
