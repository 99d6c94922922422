//! How the memory store's cost grows: with the keys that are live, on one thread and on two.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use idem_benches::{
    asked::Asked,
    records::{key, lease, outcome, put, unbounded},
    table::{Row, grouped, heading},
};
use idem_core::{IdempotencyStore, MemoryStore};
use tokio::runtime::{Builder, Runtime};

const LIVE: [u64; 5] = [1_000, 10_000, 100_000, 1_000_000, 4_000_000];

/// Fresh keys of a thread come after all that are live, and after those of the thread before it.
const FRESH: u64 = 1 << 40;

fn main() {
    let asked = Asked::of_process();
    let length = Duration::from_millis(if asked.is_test { 1 } else { 1_500 });
    heading(
        &["live keys"],
        &[
            "threads",
            "claim + release, ns: median",
            "p99.9",
            "replay of a key at random, ns: median",
            "p99.9",
        ],
    );
    // What is only tried need not be filled.
    for live in LIVE
        .into_iter()
        .filter(|live| !asked.is_test || *live < 10_000)
    {
        let store = filled(live);
        for threads in [1, 2] {
            println!("{}", row(&store, live, threads, length));
        }
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime starts")
}

fn filled(live: u64) -> MemoryStore {
    let (store, outcome) = (unbounded(), outcome(200));
    runtime().block_on(async {
        for number in 0..live {
            put(&store, key(number), &outcome).await;
        }
    });
    store
}

fn row(store: &MemoryStore, live: u64, threads: u64, length: Duration) -> Row {
    let mut row = Row::default();
    row.text(grouped(live));
    row.text(threads);
    let fresh = on_threads(threads, length, async |thread, call| {
        claim_and_release(store, FRESH * thread + call).await;
    });
    let replay = on_threads(threads, length, async |thread, call| {
        // A stride that visits all of them in no order.
        let number = (call + thread * live / 2) * 7_919 % live;
        let _ = black_box(store.claim(&key(number), &lease(1)).await);
    });
    for calls in [fresh, replay] {
        row.number(calls.within(500), 0);
        row.number(calls.within(999), 0);
    }
    row
}

/// How many calls took how many nanoseconds. A list of all calls would have its own page faults among them.
struct Calls {
    of_length: Vec<u64>,
}

impl Calls {
    /// Longer calls count as this long.
    const LONGEST: usize = 1 << 16;

    fn new() -> Self {
        Self {
            of_length: vec![0; Self::LONGEST + 1],
        }
    }

    fn add(&mut self, took: Duration) {
        let nanoseconds = took.as_nanos() as usize;
        self.of_length[nanoseconds.min(Self::LONGEST)] += 1;
    }

    fn join(mut self, other: &Self) -> Self {
        for (calls, more) in self.of_length.iter_mut().zip(&other.of_length) {
            *calls += more;
        }
        self
    }

    fn count(&self) -> u64 {
        self.of_length.iter().sum()
    }

    /// What so many of 1,000 calls took at most.
    fn within(&self, of_thousand: u64) -> f64 {
        let wanted = self.count() * of_thousand / 1_000;
        let mut calls = 0;
        let longest = self.of_length.iter().position(|of_this_length| {
            calls += of_this_length;
            calls > wanted
        });
        longest.unwrap_or(0) as f64
    }
}

async fn claim_and_release(store: &MemoryStore, number: u64) {
    let (key, lease) = (key(number), lease(1));
    let _ = black_box(store.claim(&key, &lease).await);
    let _ = black_box(store.release(&key, &lease).await);
}

/// Calls again and again on each thread, numbered from 1, and looks at the clock after each call.
fn on_threads(threads: u64, length: Duration, call: impl AsyncFn(u64, u64) + Sync) -> Calls {
    let one = |thread: u64| {
        runtime().block_on(async {
            let mut calls = Calls::new();
            let begun = Instant::now();
            let (mut before, mut number) = (begun, 0);
            while before.duration_since(begun) < length {
                call(thread, number).await;
                number += 1;
                let after = Instant::now();
                calls.add(after.duration_since(before));
                before = after;
            }
            calls
        })
    };
    let one = &one;
    thread::scope(|scope| {
        let running: Vec<_> = (1..=threads)
            .map(|thread| scope.spawn(move || one(thread)))
            .collect();
        running.into_iter().fold(Calls::new(), |all, thread| {
            all.join(&thread.join().expect("no call panics"))
        })
    })
}
