//! What is allocated: for each request, and for each record that the memory store holds.
//!
//! It counts, and measures no time.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::alloc::System;

use actix_web::rt;
use bytes::Bytes;
use idem_actix::IdempotencyMiddleware;
use idem_axum::IdempotencyLayer;
use idem_benches::{
    PostOrders, Spelling,
    asked::Asked,
    order,
    orders::{
        Handler, Key, Orders, actix,
        axum::{AxumOrders, router},
    },
    records::{RETENTION, key, lease, outcome, unbounded},
    table::{Row, grouped, heading},
};
use idem_core::{
    FingerprintRules, Headers, Idempotency, IdempotencyStore, Policy, Response, Verdict,
    adapter::{Admission, Begin},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let asked = Asked::of_process();
    heading(&[""], &["allocations", "reallocations", "bytes"]);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        fingerprints();
        requests().await;
    });
    rt::System::new().block_on(adapters());
    runtime.block_on(records(if asked.is_test { 1_000 } else { 1_000_000 }));
}

fn print(name: &str, stats: Stats) {
    let mut row = Row::default();
    row.text(name);
    for count in [
        stats.allocations,
        stats.reallocations,
        stats.bytes_allocated,
    ] {
        row.number(count as f64, 0);
    }
    println!("{row}");
}

fn fingerprints() {
    let rules = FingerprintRules::default();
    for (name, spelling) in [
        ("in order", Spelling::InOrder),
        ("out of order", Spelling::OutOfOrder),
        ("pretty-printed", Spelling::Pretty),
    ] {
        let payload = order(1 << 10, spelling);
        // The thread keeps its buffers from one payload to the next.
        let _ = rules.fingerprint(&PostOrders, &payload);
        let region = Region::new(ALLOCATOR);
        let _ = rules.fingerprint(&PostOrders, &payload);
        let change = region.change();
        print(&format!("fingerprint, 1 KiB, {name}"), change);
    }
}

/// The engine with the memory store, without an adapter; the response's own parts are counted
/// beside it.
async fn requests() {
    let idempotency = Idempotency::new(unbounded(), Policy::reference());
    let payload = order(200, Spelling::InOrder);
    // The first request of all makes the table of its shard.
    for name in ["first request of all", "another key"] {
        let head = idem_benches::WithKey(name);
        let response = response();
        let region = Region::new(ALLOCATOR);
        execute(&idempotency, &head, &payload, response).await;
        let change = region.change();
        print(&format!("engine, fresh: {name}"), change);
    }
    let head = idem_benches::WithKey("another key");
    let region = Region::new(ALLOCATOR);
    replay(&idempotency, &head, &payload).await;
    print("engine, replay", region.change());
    let region = Region::new(ALLOCATOR);
    drop(response());
    print("the response itself, 200 B", region.change());
}

fn response() -> Response {
    let headers: Headers = [("content-type", b"application/json".as_slice())]
        .into_iter()
        .collect();
    Response::new(201, headers, Bytes::from(vec![b'x'; 200]))
}

async fn execute(
    idempotency: &Idempotency,
    head: &idem_benches::WithKey<'_>,
    payload: &[u8],
    response: Response,
) {
    let Admission::Protected(request) = idempotency.admit(head, None, || None) else {
        panic!("the request is protected");
    };
    let Begin::Execute(execution) = idempotency.begin(request, payload).await else {
        panic!("the key is fresh");
    };
    execution
        .run(async { (Verdict::Keep(response.into()), ()) })
        .await
        .expect("nothing was undone");
}

async fn replay(idempotency: &Idempotency, head: &idem_benches::WithKey<'_>, payload: &[u8]) {
    let Admission::Protected(request) = idempotency.admit(head, None, || None) else {
        panic!("the request is protected");
    };
    let Begin::Replay(_) = idempotency.begin(request, payload).await else {
        panic!("the record is there");
    };
}

/// A request of 200 B on both frameworks, from its head's first header to its response's last byte.
async fn adapters() {
    let handler = Handler::Answers;
    let layer = IdempotencyLayer::new(unbounded());
    let middleware = IdempotencyMiddleware::new(unbounded());
    let bare = AxumOrders::new(router(handler, None));
    adapter("axum, bare", bare, "").await;
    let protected = AxumOrders::new(router(handler, Some(layer)));
    adapter("axum, fresh", protected, "axum, replay").await;
    let bare = actix::start(handler, None).await;
    adapter("actix, bare", bare, "").await;
    let protected = actix::start(handler, Some(middleware)).await;
    adapter("actix, fresh", protected, "actix, replay").await;
}

async fn adapter(first: &str, mut orders: impl Orders, again: &str) {
    // Each shard of the store has its table after these, and actix-web its pool of requests.
    const BEFORE: u64 = 10_000;
    let payload = Bytes::from(order(200, Spelling::InOrder));
    for number in 0..BEFORE {
        orders.post(Key::new(number), &payload).await;
    }
    print(first, fewest(&mut orders, BEFORE, &payload).await);
    if !again.is_empty() {
        print(again, fewest(&mut orders, 0, &payload).await);
    }
}

/// What the most frugal of some requests allocates: none that a table grows for.
async fn fewest(orders: &mut impl Orders, from: u64, payload: &Bytes) -> Stats {
    let mut all = Vec::new();
    for number in from..from + 10 {
        let region = Region::new(ALLOCATOR);
        orders.post(Key::new(number), payload).await;
        all.push(region.change());
    }
    let fewest = all.into_iter().min_by_key(|stats| stats.bytes_allocated);
    fewest.expect("there were ten requests")
}

/// All that is held for a record with a body of 200 bytes: table and response included.
async fn records(count: u64) {
    let region = Region::new(ALLOCATOR);
    let store = unbounded();
    let empty = held(&region);
    for number in 0..count {
        let (key, lease) = (key(number), lease(1));
        let _ = store.claim(&key, &lease).await;
        let _ = store.complete(&key, &lease, &outcome(200), RETENTION).await;
    }
    let full = held(&region);
    heading(&["the memory store holds"], &["bytes", "by its own count"]);
    let mut row = Row::default();
    row.text("while it is empty");
    row.number(empty as f64, 0);
    row.number(0.0, 0);
    println!("{row}");
    let mut row = Row::default();
    row.text(format!(
        "for each of {} records, 200 B of body",
        grouped(count)
    ));
    row.number((full - empty) as f64 / count as f64, 0);
    row.number(store.bytes() as f64 / count as f64, 0);
    println!("{row}");
}

fn held(region: &Region<'_, System>) -> isize {
    let change = region.change();
    change.bytes_allocated as isize - change.bytes_deallocated as isize
}
