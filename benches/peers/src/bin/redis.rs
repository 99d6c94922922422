//! idem-axum and `idempotent` on one Redis, in one run and in turns: the time of a request through axum.
//!
//! Starts a server of its own: `cargo run --release --ignore-rust-version --bin redis [PROGRAM]`, where the program is
//! a `redis-server` unless named.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use idem_axum::IdempotencyLayer;
use idem_benches::{
    Spelling,
    interleaved::cpu_time,
    order,
    orders::{
        Handler, Key, Orders,
        axum::{AxumOrders, unlayered},
    },
};
use idem_redis::RedisStore;
use idempotent::valkey::ValkeyStore;
use test_servers::Redis;
use tokio::task::JoinSet;

const REQUESTS: u64 = 1_000;

/// Each is asked for its fresh orders, and then for their replays.
const PEERS: [&str; 2] = ["idem-axum, idem-redis", "idempotent 2.0, valkey"];

// One thread, so that its CPU time is the client's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let rounds = match arguments.next_if_eq("--test") {
        Some(_) => 1,
        None => 30,
    };
    let server = match arguments.next() {
        None => Redis::start()?,
        Some(program) => Redis::start_program(program)?,
    };
    let store = RedisStore::builder(server.url()).connect().await?;
    let idem = unlayered(Handler::Answers).layer(IdempotencyLayer::new(store));
    let store = ValkeyStore::with_url(server.url()).try_build().await?;
    let layer = idempotent::middleware::IdempotencyLayer::new(store);
    let peers = [idem, unlayered(Handler::Answers).layer(layer)];
    let payload = Bytes::from(order(200, Spelling::InOrder));
    for tasks in [1, 64] {
        compare(&server, &peers, &payload, tasks, rounds).await?;
    }
    Ok(())
}

/// What a request takes, in microseconds: its time, and the CPU time of the client and of the server.
const COSTS: [&str; 3] = ["time", "client", "server"];

async fn compare(
    server: &Redis,
    peers: &[Router; 2],
    payload: &Bytes,
    tasks: u64,
    rounds: u64,
) -> std::io::Result<()> {
    let mut costs = [const { [const { Vec::new() }; 2] }; PEERS.len()];
    // The first round warms up, and lets the server know the scripts.
    for round in 0..=rounds {
        server.command(&["FLUSHALL"])?;
        for (router, costs) in peers.iter().zip(&mut costs) {
            for costs in costs {
                let (served, used, begun) = (cpu(server)?, cpu_time(), Instant::now());
                post_all(router, payload, round, tasks).await;
                let (time, used) = (begun.elapsed(), cpu_time() - used);
                let all = [time, used, cpu(server)? - served];
                if round > 0 || rounds == 1 {
                    costs.push(all.map(|all| all.as_secs_f64() * 1e6 / REQUESTS as f64));
                }
            }
        }
    }
    let [time, client, server] = COSTS;
    println!(
        "| {tasks} at once: µs a request, medians of {rounds} rounds | {time} | {client} | {server} |"
    );
    println!("|---|--:|--:|--:|");
    for (name, [fresh, replay]) in PEERS.iter().zip(&costs) {
        for (kind, costs) in [("fresh", fresh), ("replay", replay)] {
            let [time, client, server] = [0, 1, 2].map(|cost| median(costs, |each| each[cost]));
            println!("| {name}, {kind} | {time:.1} | {client:.1} | {server:.1} |");
        }
    }
    // Each round's own ratio: what else the machine does meanwhile touches both.
    for (number, kind) in ["fresh", "replay"].into_iter().enumerate() {
        let pairs = costs[0][number].iter().zip(&costs[1][number]);
        let ratios: Vec<_> = pairs.map(|(one, other)| one[0] / other[0]).collect();
        let ratio = median(&ratios, |ratio| *ratio);
        println!("| ratio, {kind} | {ratio:.2} | | |");
    }
    println!();
    Ok(())
}

/// Posts the orders of a round; the second time they are replays.
async fn post_all(router: &Router, payload: &Bytes, round: u64, tasks: u64) {
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let (mut orders, payload) = (AxumOrders::new(router.clone()), payload.clone());
        running.spawn(async move {
            for number in (task..REQUESTS).step_by(tasks as usize) {
                let key = Key::new(round * REQUESTS + number);
                assert_eq!(orders.post(key, &payload).await, 201);
            }
        });
    }
    running.join_all().await;
}

/// The CPU time of the server so far.
fn cpu(server: &Redis) -> std::io::Result<Duration> {
    let info = server.command(&["INFO", "cpu"])?;
    let used = |name| {
        let seconds = info.lines().find_map(|line| line.strip_prefix(name));
        seconds
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(0.0)
    };
    let seconds: f64 = ["used_cpu_user:", "used_cpu_sys:"].map(used).iter().sum();
    Ok(Duration::from_secs_f64(seconds))
}

fn median<T>(values: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<_> = values.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
