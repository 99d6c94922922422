//! How a request's cost grows with the keys that are live.

use actix_web::rt::SystemRunner;
use bytes::Bytes;
use idem_benches::{
    Spelling,
    asked::Asked,
    interleaved::{Comparison, Figures},
    order,
    orders::{Handler, Orders},
    records::unbounded,
    table::{Row, grouped, heading},
};
use idem_core::MemoryStore;

use crate::{
    rounds,
    variants::{FRESH, actix, any_of, axum, calls, fill, from},
};

const LIVE: [u64; 4] = [1_000, 100_000, 1_000_000, 4_000_000];

/// So few calls a sample that a thousand keys stay some thousands while fresh ones come.
const CALLS: u32 = 16;

const OUTCOMES: [&str; 2] = ["fresh", "replay"];

pub(crate) fn run(system: &SystemRunner, asked: &Asked) {
    let payload = Bytes::from(order(200, Spelling::InOrder));
    // What is only tried need not be filled.
    let live = LIVE
        .into_iter()
        .filter(|live| !asked.is_test || *live < 10_000);
    let sizes: Vec<_> = live
        .map(|live| Size::fill(system, live, &payload))
        .collect();
    let on_axum = |store: &MemoryStore| axum(Handler::Answers, Some(store));
    let on_actix = |store: &MemoryStore| system.block_on(actix(Handler::Answers, Some(store)));
    let rounds = rounds(asked);
    let grown = [
        (
            "axum",
            grow(system, "axum", on_axum, &sizes, &payload, rounds),
        ),
        (
            "actix",
            grow(system, "actix", on_actix, &sizes, &payload, rounds),
        ),
    ];
    print(&sizes, &grown);
    #[cfg(feature = "plots")]
    if asked.plots {
        plot(&sizes, &grown);
    }
}

fn name(framework: &str, outcome: &str, live: u64) -> String {
    format!("{framework}, {outcome}, {live} live keys")
}

fn print(sizes: &[Size], grown: &[(&str, Figures)]) {
    let columns = [
        "axum, fresh",
        "axum, replay",
        "actix, fresh",
        "actix, replay",
    ];
    heading(&["live keys"], &columns);
    for size in sizes {
        let mut row = Row::default();
        row.text(grouped(size.live));
        for (framework, figures) in grown {
            for outcome in OUTCOMES {
                row.text(figures.ratio(&name(framework, outcome, size.live)));
            }
        }
        println!("{row}");
    }
}

#[cfg(feature = "plots")]
fn plot(sizes: &[Size], grown: &[(&str, Figures)]) {
    use idem_benches::plot::{Line, Plot};

    let line = |framework: &str, figures: &Figures, outcome: &str| Line {
        name: format!("{framework}, {outcome}"),
        points: sizes
            .iter()
            .map(|size| {
                let median = figures.median(&name(framework, outcome, size.live));
                (size.live as f64, median)
            })
            .collect(),
    };
    let lines = grown
        .iter()
        .flat_map(|(framework, figures)| OUTCOMES.map(|outcome| line(framework, figures, outcome)));
    Plot {
        title: "CPU time of a request by live keys, 256 B (ns)",
        x: "live keys",
        lines: lines.collect(),
    }
    .write("live-keys.svg");
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
) -> Figures {
    let mut comparison = Comparison::new(format!("{framework} by live keys"));
    // Two frameworks never make the same key fresh.
    let first = FRESH * (1 + framework.len() as u64);
    for Size { live, store } in sizes {
        let calls = calls(system, service(store), from(first), payload, 201);
        comparison = comparison.timed(name(framework, "fresh", *live), calls);
    }
    comparison = comparison.new_baseline();
    for Size { live, store } in sizes {
        let calls = calls(system, service(store), any_of(*live), payload, 201);
        comparison = comparison.timed(name(framework, "replay", *live), calls);
    }
    comparison.run_batches(CALLS, rounds)
}
