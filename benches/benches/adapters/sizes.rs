//! How a request's cost grows with its payload.

use actix_web::rt::SystemRunner;
use bytes::Bytes;
use idem_benches::{
    Spelling,
    interleaved::Comparison,
    order,
    orders::Handler,
    plot::{Line, Plot},
    records::unbounded,
};

use crate::variants::{FRESH, any_of, axum, calls, fill, from};

const SIZES: [usize; 5] = [200, 1 << 10, 1 << 12, 1 << 14, 1 << 16];

/// The orders that are there to be replayed.
const KEPT: u64 = 1_000;

const OUTCOMES: [&str; 3] = ["bare", "fresh", "replay"];

pub(crate) fn run(system: &SystemRunner, rounds: usize) {
    let points = SIZES.map(|bytes| {
        let payload = Bytes::from(order(bytes, Spelling::InOrder));
        (payload.len(), compare(system, &payload, rounds.div_ceil(3)))
    });
    let lines = OUTCOMES.iter().enumerate().map(|(index, outcome)| Line {
        name: (*outcome).to_owned(),
        points: points
            .iter()
            .map(|(bytes, medians)| (*bytes as f64, medians[index]))
            .collect(),
    });
    if rounds > 1 {
        Plot {
            title: "CPU time of a request on axum by payload (ns)",
            x: "bytes of JSON in order",
            lines: lines.collect(),
        }
        .write("payload.svg");
    }
}

/// The medians, by outcome.
fn compare(system: &SystemRunner, payload: &Bytes, rounds: usize) -> [f64; 3] {
    let store = unbounded();
    let service = |store| axum(Handler::Answers, store);
    let protected = || service(Some(&store));
    system.block_on(fill(&mut protected(), KEPT, payload));
    let keys: [Box<dyn FnMut() -> u64>; 3] = [
        Box::new(any_of(KEPT)),
        Box::new(from(FRESH)),
        Box::new(any_of(KEPT)),
    ];
    let services = [service(None), protected(), protected()];
    let mut comparison = Comparison::new(format!("axum, {} bytes", payload.len()));
    for ((outcome, keys), service) in OUTCOMES.into_iter().zip(keys).zip(services) {
        comparison = comparison.timed(outcome, calls(system, service, keys, payload, 201));
    }
    let figures = comparison.run(rounds);
    OUTCOMES.map(|outcome| figures.median(outcome))
}
