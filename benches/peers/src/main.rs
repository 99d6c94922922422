//! idem-axum beside other crates that make axum services safe to retry, in one run and in turns.
//!
//! Each is as its documentation sets it up, with the store in memory that comes with it. What they
//! do differs: `docs/performance.md` says how.

#![forbid(unsafe_code)]

mod floor;
mod sessions;

use std::time::Duration;

use actix_rt::System;
use axum::{Router, middleware::from_fn};
use bytes::Bytes;
use idem_axum::IdempotencyLayer;
use idem_benches::{
    Spelling,
    interleaved::{Comparison, Figures, cpu_time, print_side_by_side},
    order,
    orders::{
        Handler, Key, Orders,
        axum::{AxumOrders, unlayered},
    },
    records::unbounded,
};

use crate::sessions::InSessions;

/// The orders that are there to be replayed.
const KEPT: u64 = 1_000;

/// Where fresh keys begin.
const FRESH: u64 = 1 << 40;

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let rounds = if is_test { 1 } else { 300 };
    let system = System::new();
    let columns = [
        ("256 B", 200, Spelling::OutOfOrder),
        ("1 KiB", 1 << 10, Spelling::OutOfOrder),
        ("1 KiB, members sorted", 1 << 10, Spelling::InOrder),
    ];
    let columns = columns.map(|(name, bytes, spelling)| {
        let payload = Bytes::from(order(bytes, spelling));
        (name, compare(&system, name, &payload, rounds))
    });
    print_side_by_side(&columns);
}

fn compare(system: &actix_rt::SystemRunner, name: &str, payload: &Bytes, rounds: usize) -> Figures {
    let idem = service(|router| router.layer(IdempotencyLayer::new(unbounded())));
    let idempotent = system.block_on(async {
        let store = idempotent::memory::MemoryStore::builder().try_build();
        let store = store.expect("the store starts inside a runtime");
        service(|router| router.layer(idempotent::middleware::IdempotencyLayer::new(store)))
    });
    let axum_idempotent = InSessions::new(service(sessions::layered));
    let comparison = Comparison::new(name);
    let comparison = comparison.timed("bare", calls(system, service(|router| router), 0, payload));
    let reads = service(|router| router.layer(from_fn(floor::reads)));
    let comparison = comparison.timed(
        "a layer that reads both bodies",
        calls(system, reads, 0, payload),
    );
    let hashes = service(|router| router.layer(from_fn(floor::reads_and_hashes)));
    let comparison = comparison.timed(
        "… and takes SHA-256 of one",
        calls(system, hashes, 0, payload),
    );
    let comparison = protected(comparison, "idem-axum", system, idem, payload);
    let comparison = protected(comparison, "idempotent 2.0", system, idempotent, payload);
    let name = "axum-idempotent 0.6";
    protected(comparison, name, system, axum_idempotent, payload).run(rounds)
}

fn service(layer: impl FnOnce(Router) -> Router) -> AxumOrders {
    AxumOrders::new(layer(unlayered(Handler::Answers)))
}

fn protected<'a>(
    comparison: Comparison<'a>,
    name: &str,
    system: &'a actix_rt::SystemRunner,
    mut orders: impl Orders + Clone + 'a,
    payload: &'a Bytes,
) -> Comparison<'a> {
    system.block_on(async {
        for number in 0..KEPT {
            orders.post(Key::new(number), payload).await;
        }
    });
    let fresh = calls(system, orders.clone(), FRESH, payload);
    let replay = calls(system, orders, 0, payload);
    comparison
        .timed(format!("{name}, fresh"), fresh)
        .timed(format!("{name}, replay"), replay)
}

/// Posts under fresh keys if they start there, and under those of the kept orders if they start
/// at zero.
fn calls<'a>(
    system: &'a actix_rt::SystemRunner,
    mut orders: impl Orders + 'a,
    first: u64,
    payload: &'a Bytes,
) -> impl FnMut(u32) -> Duration + 'a {
    let mut count = 0;
    move |calls| {
        system.block_on(async {
            let start = cpu_time();
            for _ in 0..calls {
                count += 1;
                let number = if first == 0 {
                    count % KEPT
                } else {
                    first + count
                };
                assert_eq!(orders.post(Key::new(number), payload).await, 201);
            }
            cpu_time() - start
        })
    }
}
