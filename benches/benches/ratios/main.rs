//! The figures of `docs/performance.md`: variants measured in turns, as ratios to a baseline.
//!
//! `cargo bench -p idem-benches --bench ratios -- fingerprint` runs the part of that name; without
//! a name all parts run.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod fingerprint;
mod memory;
mod momento;
mod stalls;

/// Measures in so many rounds, and prints.
type Part = fn(usize);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let names: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let parts: [(&str, Part); 4] = [
        ("fingerprint", fingerprint::run),
        ("memory", memory::run),
        ("momento", momento::run),
        ("stalls", stalls::run),
    ];
    let rounds = if is_test { 1 } else { 300 };
    for (name, run) in parts {
        if names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str())) {
            run(rounds);
        }
    }
}
