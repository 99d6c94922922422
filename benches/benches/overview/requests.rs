//! What a whole request takes in process on axum: bare, fresh, and sent again.

use std::time::Duration;

use bytes::Bytes;
use criterion::Throughput;
use idem_axum::IdempotencyLayer;
use idem_benches::{
    Spelling,
    interleaved::cpu_time,
    order,
    orders::{
        Handler, Key, Orders,
        axum::{AxumOrders, router},
    },
    records::unbounded,
};
use tokio::runtime::Runtime;

use crate::summary::{Summary, keeps_busy, times};

/// The orders that are there to be replayed.
const KEPT: u64 = 1_000;

/// A service starts from an empty store after so many fresh orders, or the bench would run out of memory.
const FRESH: u64 = 200_000;

const BARE: &str = "the bare handler";

pub(crate) fn measure(summary: &mut Summary, runtime: &Runtime) {
    for (name, bytes) in [("200 B", 200), ("1 KiB", 1 << 10)] {
        // Members out of order, as clients send them.
        let payload = Bytes::from(order(bytes, Spelling::OutOfOrder));
        let group = format!("axum, {name}");
        let one = Throughput::Elements(1);
        let mut service = bare();
        let bare = summary.timed(&group, "bare", one.clone(), |calls| {
            post(runtime, &mut service, &payload, calls, |call| call % KEPT)
        });
        let mut next = 0;
        let mut service = protected();
        let fresh = summary.timed(&group, "fresh", one.clone(), |calls| {
            let mut took = Duration::ZERO;
            let mut left = calls;
            while left > 0 {
                if next == FRESH {
                    (next, service) = (0, protected());
                }
                let some = left.min(FRESH - next);
                took += post(runtime, &mut service, &payload, some, |call| next + call);
                next += some;
                left -= some;
            }
            took
        });
        let mut service = protected();
        post(runtime, &mut service, &payload, KEPT, |call| call);
        let replay = summary.timed(&group, "replay", one, |calls| {
            post(runtime, &mut service, &payload, calls, |call| call % KEPT)
        });
        for (what, takes) in [("fresh request", fresh), ("retry", replay)] {
            let what = format!("{what} of {name} on axum, memory store");
            let added = takes.zip(bare).map(|(takes, bare)| takes - bare);
            let means =
                added.map_or_else(String::new, |_| format!("the layer {}", keeps_busy(added)));
            summary.row(&what, takes, times(takes, bare, BARE), means);
        }
    }
}

fn bare() -> AxumOrders {
    AxumOrders::new(router(Handler::Answers, None))
}

fn protected() -> AxumOrders {
    let layer = IdempotencyLayer::new(unbounded());
    AxumOrders::new(router(Handler::Answers, Some(layer)))
}

/// Posts so many orders one after the other, under the keys of these numbers.
fn post(
    runtime: &Runtime,
    orders: &mut AxumOrders,
    payload: &Bytes,
    calls: u64,
    number: impl Fn(u64) -> u64,
) -> Duration {
    runtime.block_on(async {
        let start = cpu_time();
        for call in 0..calls {
            assert_eq!(orders.post(Key::new(number(call)), payload).await, 201);
        }
        cpu_time() - start
    })
}
