//! What a request costs on both frameworks in process: bare, and under the adapter with the memory
//! store. One thread, all variants in turns, as ratios to the bare service.
//!
//! `cargo bench -p idem-benches --features actix --bench adapters -- requests` runs the part of that name; without
//! a name all parts run. With the feature `plots`, `--plots` rewrites what `docs/plots` shows of a part.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod growth;
mod requests;
mod sizes;
mod variants;

use actix_web::rt::{System, SystemRunner};
use idem_benches::asked::Asked;

/// Measures, and prints.
type Part = fn(&SystemRunner, &Asked);

const PARTS: &[(&str, Part)] = &[
    ("requests", requests::run),
    ("growth", growth::run),
    ("sizes", sizes::run),
];

fn main() {
    let asked = Asked::of_process();
    let system = System::new();
    for (_, run) in asked.parts(PARTS) {
        run(&system, &asked);
    }
}

/// So many rounds, or one where it is only tried.
fn rounds(asked: &Asked) -> usize {
    if asked.is_test { 1 } else { 300 }
}
