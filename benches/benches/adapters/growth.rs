//! How a request's cost grows with the keys that are live.

use actix_web::rt::SystemRunner;
use bytes::Bytes;
use idem_benches::{
    Spelling,
    interleaved::Comparison,
    order,
    orders::{Handler, Orders},
    plot::{Line, Plot},
    records::unbounded,
};
use idem_core::MemoryStore;

use crate::variants::{FRESH, actix, any_of, axum, calls, fill, from};

const LIVE: [u64; 4] = [1_000, 100_000, 1_000_000, 4_000_000];

/// So few calls a sample that a thousand keys stay some thousands while fresh ones come.
const CALLS: u32 = 16;

pub(crate) fn run(system: &SystemRunner, rounds: usize) {
    let is_test = rounds == 1;
    let payload = Bytes::from(order(200, Spelling::InOrder));
    // What is only tried need not be filled.
    let live = LIVE.into_iter().filter(|live| !is_test || *live < 10_000);
    let sizes: Vec<_> = live
        .map(|live| Size::fill(system, live, &payload))
        .collect();
    let on_axum = |store: &MemoryStore| axum(Handler::Answers, Some(store));
    let on_actix = |store: &MemoryStore| system.block_on(actix(Handler::Answers, Some(store)));
    let [fresh, replay] = grow(system, "axum", on_axum, &sizes, &payload, rounds);
    let [actix_fresh, actix_replay] = grow(system, "actix", on_actix, &sizes, &payload, rounds);
    if !is_test {
        Plot {
            title: "CPU time of a request by live keys, 256 B (ns)",
            x: "live keys",
            lines: vec![fresh, replay, actix_fresh, actix_replay],
        }
        .write("live-keys.svg");
    }
}

/// A store with so many live keys, which both frameworks share.
struct Size {
    live: u64,
    store: MemoryStore,
}

impl Size {
    fn fill(system: &SystemRunner, live: u64, payload: &Bytes) -> Self {
        let store = unbounded();
        let mut orders = axum(Handler::Answers, Some(&store));
        system.block_on(fill(&mut orders, live, payload));
        Self { live, store }
    }
}

/// Fresh requests and replays at all sizes in turns.
fn grow<'a, O: Orders + 'a>(
    system: &'a SystemRunner,
    framework: &str,
    service: impl Fn(&MemoryStore) -> O,
    sizes: &'a [Size],
    payload: &'a Bytes,
    rounds: usize,
) -> [Line; 2] {
    let name = |outcome, live| format!("{framework}, {outcome}, {live} live keys");
    let mut comparison = Comparison::new(format!("{framework} by live keys"));
    // Two frameworks never make the same key fresh.
    let first = FRESH * (1 + framework.len() as u64);
    for Size { live, store } in sizes {
        let calls = calls(system, service(store), from(first), payload, 201);
        comparison = comparison.timed(name("fresh", *live), calls);
    }
    comparison = comparison.new_baseline();
    for Size { live, store } in sizes {
        let calls = calls(system, service(store), any_of(*live), payload, 201);
        comparison = comparison.timed(name("replay", *live), calls);
    }
    let figures = comparison.run_batches(CALLS, rounds);
    ["fresh", "replay"].map(|outcome| Line {
        name: format!("{framework}, {outcome}"),
        points: sizes
            .iter()
            .map(|size| (size.live as f64, figures.median(&name(outcome, size.live))))
            .collect(),
    })
}
