//! What idem costs on this machine, in about a minute and one table: `cargo bench -p idem-benches`.
//!
//! It takes criterion's arguments: a filter, `--save-baseline NAME`, `--baseline NAME`. The features `redis`,
//! `postgres` and `momento` add those stores. `cargo bench` without `-p` runs it too, with the features that
//! other members of the workspace ask of the libraries, such as `metrics`.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

#[path = "../stores/each.rs"]
mod each;
mod hashing;
mod requests;
mod stores;
mod summary;

use std::time::Duration;

use criterion::Criterion;
use tokio::runtime::Builder;

use crate::summary::{SAMPLES, Summary};

fn main() {
    let criterion = Criterion::default()
        .without_plots()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(1_500))
        .configure_from_args();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let mut summary = Summary::new(criterion);
    hashing::measure(&mut summary);
    requests::measure(&mut summary, &runtime);
    stores::measure(&mut summary, &runtime);
    summary.print();
}
