//! The longest that one call takes: while the store grows, and while millions of records expire.

use std::{sync::Arc, time::Duration};

use idem_benches::{
    interleaved::cpu_time,
    records::{RETENTION, key, lease, outcome, unbounded},
    table::{Row, grouped, heading},
};
use idem_core::{IdempotencyStore, MemoryStore, store::Outcome};
use tokio::{runtime::Builder, time::Instant};

/// The records live at once.
const RECORDS: u64 = 4_000_000;

pub(crate) fn run(rounds: usize) {
    let records = if rounds == 1 { 1_000 } else { RECORDS };
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    runtime.block_on(stalls(records));
}

async fn stalls(records: u64) {
    let store = unbounded();
    let outcome = outcome(200);
    let mut growing = Longest::default();
    // All run out at about the same time, which is worse than any load.
    let end = Instant::now() + Duration::from_secs(20);
    for number in 0..records {
        let retention = end.saturating_duration_since(Instant::now());
        put(&store, number, &outcome, retention, &mut growing).await;
    }
    heading(
        &["claim + complete, µs"],
        &["median", "p99.9", "third longest", "second", "longest"],
    );
    growing.print(&format!("while {} keys come", grouped(records)));

    // The sweeping task comes within a second from now on.
    tokio::time::sleep_until(end).await;
    let mut expiring = Longest::default();
    // The store's own count would remove what ran out.
    let held = || match &outcome {
        Outcome::Response(response) => Arc::strong_count(response) as u64 - 1,
        Outcome::NotKept(_) => 0,
    };
    let swept_from = held();
    let mut number = records;
    loop {
        number += 1;
        put(&store, number, &outcome, RETENTION, &mut expiring).await;
        if held() <= number - records {
            break;
        }
        if number.is_multiple_of(64) {
            // The sweeping task has its turns, and is measured as what it delays.
            let start = Start::now();
            tokio::task::yield_now().await;
            expiring.add(start.elapsed());
        }
    }
    expiring.print(&format!("while {} run out at once", grouped(swept_from)));
}

async fn put(
    store: &MemoryStore,
    number: u64,
    outcome: &Outcome,
    retention: Duration,
    longest: &mut Longest,
) {
    let (key, lease) = (key(number), lease(1));
    let start = Start::now();
    let _ = store.claim(&key, &lease).await;
    let _ = store.complete(&key, &lease, outcome, retention).await;
    longest.add(start.elapsed());
}

/// When a call began, by both clocks.
///
/// On virtual machines the CPU time of a thread jumps now and then: a loop of arithmetic was told
/// that it had used 0.9 ms within 1 µs. What a call used is no more than it took.
struct Start {
    cpu: Duration,
    wall: std::time::Instant,
}

impl Start {
    fn now() -> Self {
        Self {
            wall: std::time::Instant::now(),
            cpu: cpu_time(),
        }
    }

    fn elapsed(&self) -> Duration {
        (cpu_time() - self.cpu).min(self.wall.elapsed())
    }
}

/// All durations, to find the longest.
#[derive(Default)]
struct Longest(Vec<Duration>);

impl Longest {
    fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    fn print(mut self, name: &str) {
        self.0.sort_unstable();
        let last = self.0.len() - 1;
        let at = |share: f64| (last as f64 * share) as usize;
        let mut row = Row::default();
        row.text(name);
        let before_last = |count| last.saturating_sub(count);
        for place in [at(0.5), at(0.999), before_last(2), before_last(1), last] {
            row.number(self.0[place].as_nanos() as f64 / 1e3, 2);
        }
        println!("{row}");
    }
}
