//! The figures of `docs/performance.md`: variants measured in turns, as ratios to a baseline.
//!
//! `cargo bench -p idem-benches --bench ratios -- fingerprint` runs the part of that name; without
//! a name all parts run. The part `momento` needs `--features momento`.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod fingerprint;
mod memory;
#[cfg(feature = "momento")]
mod momento;
mod stalls;

use idem_benches::asked::Asked;

/// Measures in so many rounds, and prints.
type Part = fn(usize);

const PARTS: &[(&str, Part)] = &[
    ("fingerprint", fingerprint::run),
    ("memory", memory::run),
    #[cfg(feature = "momento")]
    ("momento", momento::run),
    ("stalls", stalls::run),
];

fn main() {
    let asked = Asked::of_process();
    let rounds = if asked.is_test { 1 } else { 300 };
    for (_, run) in asked.parts(PARTS) {
        run(rounds);
    }
}
