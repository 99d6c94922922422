//! One kind of request for some seconds, for a profiler: `profiled axum|actix bare|fresh|replay`.
//!
//! `perf record --call-graph dwarf target/release/examples/profiled axum fresh` shows where its
//! time goes.

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
    let (framework, what) = match arguments.as_slice() {
        [framework, what] => (framework.as_str(), what.as_str()),
        _ => return Err("usage: profiled axum|actix bare|fresh|replay".into()),
    };
    let (is_bare, is_fresh) = (what == "bare", what == "fresh");
    let handler = Handler::Answers;
    System::new().block_on(async {
        match framework {
            "axum" => {
                let layer = (!is_bare).then(|| IdempotencyLayer::new(unbounded()));
                let orders = AxumOrders::new(router(handler, layer));
                post_for_a_while(orders, is_fresh).await;
                Ok(())
            }
            "actix" => {
                let middleware = (!is_bare).then(|| IdempotencyMiddleware::new(unbounded()));
                let orders = actix::start(handler, middleware).await;
                post_for_a_while(orders, is_fresh).await;
                Ok(())
            }
            _ => Err("there is axum, and there is actix".into()),
        }
    })
}

async fn post_for_a_while(mut orders: impl Orders, is_fresh: bool) {
    let payload = Bytes::from(order(200, Spelling::InOrder));
    let (start, mut count) = (Instant::now(), 0_u64);
    while !count.is_multiple_of(1_000) || start.elapsed() < LENGTH {
        let number = if is_fresh { count } else { count % KEPT };
        orders.post(Key::new(number), &payload).await;
        count += 1;
    }
    let each = start.elapsed().as_nanos() / u128::from(count);
    println!("{count} requests, {each} ns each");
    // What a store takes to be dropped is no part of a request.
    std::mem::forget(orders);
}
