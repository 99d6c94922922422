//! Services under test, and their calls as variants of a comparison.

use std::time::Duration;

use actix_web::rt::{self, SystemRunner};
use bytes::Bytes;
use idem_actix::IdempotencyMiddleware;
use idem_axum::IdempotencyLayer;
use idem_benches::{
    interleaved::cpu_time,
    orders::{
        Handler, Key, Orders,
        actix::start,
        axum::{AxumOrders, router},
    },
};
use idem_core::MemoryStore;

/// Numbers of keys that nothing else uses.
pub(crate) const FRESH: u64 = 1 << 40;

/// The key whose order hangs.
pub(crate) const HANGING: u64 = 1 << 50;

/// The service on axum, bare without a store.
pub(crate) fn axum(handler: Handler, store: Option<&MemoryStore>) -> AxumOrders {
    let layer = store.map(|store| IdempotencyLayer::new(store.clone()));
    AxumOrders::new(router(handler, layer))
}

/// The service on actix-web, bare without a store.
pub(crate) fn actix(
    handler: Handler,
    store: Option<&MemoryStore>,
) -> impl Future<Output = impl Orders + use<>> + use<> {
    start(
        handler,
        store.map(|store| IdempotencyMiddleware::new(store.clone())),
    )
}

/// Posts the payload under one key after the other, each of which must be answered with this
/// status.
pub(crate) fn calls<'a>(
    system: &'a SystemRunner,
    mut orders: impl Orders + 'a,
    mut next: impl FnMut() -> u64 + 'a,
    payload: &'a Bytes,
    status: u16,
) -> impl FnMut(u32) -> Duration + 'a {
    move |calls| {
        system.block_on(async {
            let start = cpu_time();
            for _ in 0..calls {
                assert_eq!(orders.post(Key::new(next()), payload).await, status);
            }
            cpu_time() - start
        })
    }
}

/// Numbers from there on.
pub(crate) fn from(start: u64) -> impl FnMut() -> u64 {
    let mut next = start;
    move || {
        next += 1;
        next
    }
}

/// Numbers below, in no order.
pub(crate) fn any_of(count: u64) -> impl FnMut() -> u64 {
    let mut number = 0;
    move || {
        number = (number + 7_919) % count;
        number
    }
}

/// Posts an order under each key below.
pub(crate) async fn fill(orders: &mut impl Orders, count: u64, payload: &Bytes) {
    for number in 0..count {
        orders.post(Key::new(number), payload).await;
    }
}

/// Leaves an order in progress under [`HANGING`].
pub(crate) async fn hang(mut orders: impl Orders + 'static, payload: Bytes) {
    rt::spawn(async move { orders.post(Key::new(HANGING), &payload).await });
    // Its task has a turn meanwhile, and claims the key in it.
    rt::time::sleep(Duration::from_millis(1)).await;
}
