//! One kind of request, of 1 KiB, for a profiler: `profiled axum|actix bare|fresh|replay|mismatch [requests]`.
//!
//! `perf record --call-graph dwarf target/release/examples/profiled axum fresh` shows where its
//! time goes, over some seconds. With a number of requests, `valgrind --tool=callgrind` counts
//! what they take: the difference of two numbers leaves the start out.

#![forbid(unsafe_code)]

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use actix_web::rt::System;
use bytes::Bytes;
use idem_actix::IdempotencyMiddleware;
use idem_axum::IdempotencyLayer;
use idem_benches::{
    Spelling, order,
    orders::{
        Handler, Key, Orders, actix,
        axum::{AxumOrders, router},
    },
    records::unbounded,
};

const LENGTH: Duration = Duration::from_secs(3);

/// Replays are of so many keys; fresh ones come after them.
const KEPT: u64 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (framework, what, requests) = match arguments.as_slice() {
        [framework, what] => (framework.as_str(), what.as_str(), None),
        [framework, what, requests] => (framework.as_str(), what.as_str(), Some(requests.parse()?)),
        _ => return Err("usage: profiled axum|actix bare|fresh|replay|mismatch [requests]".into()),
    };
    let is_bare = what == "bare";
    let handler = Handler::Answers;
    System::new().block_on(async {
        match framework {
            "axum" => {
                let layer = (!is_bare).then(|| IdempotencyLayer::new(unbounded()));
                let orders = AxumOrders::new(router(handler, layer));
                post(orders, what, requests).await;
                Ok(())
            }
            "actix" => {
                let middleware = (!is_bare).then(|| IdempotencyMiddleware::new(unbounded()));
                let orders = actix::start(handler, middleware).await;
                post(orders, what, requests).await;
                Ok(())
            }
            _ => Err("there is axum, and there is actix".into()),
        }
    })
}

/// Posts so many, or for a while.
async fn post(mut orders: impl Orders, what: &str, requests: Option<u64>) {
    let payload = order(1 << 10, Spelling::OutOfOrder);
    let other = Bytes::from(String::from_utf8_lossy(&payload).replace("Soap", "Salt"));
    let payload = Bytes::from(payload);
    let (start, mut count) = (Instant::now(), 0_u64);
    let goes_on = |count: u64| match requests {
        Some(requests) => count < requests,
        None => !count.is_multiple_of(1_000) || start.elapsed() < LENGTH,
    };
    while goes_on(count) {
        let is_first = what == "fresh" || count < KEPT;
        let number = if is_first { count } else { count % KEPT };
        let differs = what == "mismatch" && !is_first;
        let payload = if differs { &other } else { &payload };
        orders.post(Key::new(number), payload).await;
        count += 1;
    }
    let each = start.elapsed().as_nanos() / u128::from(count);
    println!("{count} requests, {each} ns each");
    // What a store takes to be dropped is no part of a request.
    std::mem::forget(orders);
}
