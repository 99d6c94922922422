//! How a request's cost grows with its payload.

use actix_web::rt::SystemRunner;
use bytes::Bytes;
use idem_benches::{
    Spelling,
    asked::Asked,
    interleaved::Comparison,
    order,
    orders::Handler,
    records::unbounded,
    table::{Row, grouped, heading},
};

use crate::{
    rounds,
    variants::{FRESH, any_of, axum, calls, fill, from},
};

const SIZES: [usize; 5] = [200, 1 << 10, 1 << 12, 1 << 14, 1 << 16];

/// The orders that are there to be replayed.
const KEPT: u64 = 1_000;

const OUTCOMES: [&str; 3] = ["bare", "fresh", "replay"];

pub(crate) fn run(system: &SystemRunner, asked: &Asked) {
    let points = SIZES.map(|bytes| {
        let payload = Bytes::from(order(bytes, Spelling::InOrder));
        let medians = compare(system, &payload, rounds(asked).div_ceil(3));
        (payload.len(), medians)
    });
    print(&points);
    #[cfg(feature = "plots")]
    if asked.plots {
        plot(&points);
    }
}

/// A payload's bytes, and the medians by outcome.
type Point = (usize, [f64; 3]);

fn print(points: &[Point]) {
    heading(
        &["payload, B"],
        &OUTCOMES.map(|outcome| format!("{outcome}, µs")),
    );
    for (bytes, medians) in points {
        let mut row = Row::default();
        row.text(grouped(bytes));
        for median in medians {
            row.number(median / 1e3, 2);
        }
        println!("{row}");
    }
}

#[cfg(feature = "plots")]
fn plot(points: &[Point]) {
    use idem_benches::plot::{Line, Plot};

    let lines = OUTCOMES.iter().enumerate().map(|(index, outcome)| Line {
        name: (*outcome).to_owned(),
        points: points
            .iter()
            .map(|(bytes, medians)| (*bytes as f64, medians[index]))
            .collect(),
    });
    Plot {
        title: "CPU time of a request on axum by payload (ns)",
        x: "bytes of JSON in order",
        lines: lines.collect(),
    }
    .write("payload.svg");
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
