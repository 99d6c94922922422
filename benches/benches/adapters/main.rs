//! What a request costs on both frameworks in process: bare, and under the adapter with the memory
//! store. One thread, all variants in turns, as ratios to the bare service.
//!
//! `cargo bench -p idem-benches --bench adapters -- requests` runs the part of that name; without
//! a name all parts run.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod growth;
mod requests;
mod sizes;
mod variants;

use actix_web::rt::{System, SystemRunner};

/// Measures in so many rounds, and prints.
type Part = fn(&SystemRunner, usize);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let names: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let parts: [(&str, Part); 3] = [
        ("requests", requests::run),
        ("growth", growth::run),
        ("sizes", sizes::run),
    ];
    let rounds = if is_test { 1 } else { 300 };
    let system = System::new();
    for (name, run) in parts {
        if names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str())) {
            run(&system, rounds);
        }
    }
}
