//! What a request costs on Redis, beside the two plain commands that have no fence and no replay.
//!
//! Starts a server of its own: `cargo run --release -p idem-redis --example cost [PROGRAM]`, where the program
//! is a `redis-server` unless named.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::{
    future::Future,
    time::{Duration, Instant},
};

use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, RecordKey, Response,
    store::{Claim, Fenced, Fingerprint, Identity, Lease, Outcome},
};
use idem_redis::RedisStore;
use redis::{AsyncTypedCommands, ExistenceCheck, SetExpiry, SetOptions, aio::ConnectionManager};
use test_servers::Redis;
use tokio::task::JoinSet;

const REQUESTS: u64 = 2_000;
const ROUNDS: usize = 15;
const MINUTE: Duration = Duration::from_secs(60);

/// What is measured, in this order, in each round.
const WORK: [&str; 4] = [
    "SET NX, SET",
    "claim, complete",
    "GET",
    "claim of a duplicate",
];

fn key(number: u64) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RecordKey::from_bytes(bytes)
}

fn lease() -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([7; 32])), MINUTE)
}

fn outcome() -> Outcome {
    let headers = [("content-type", b"application/json".as_slice())];
    let body = Bytes::from_static(&[b'x'; 200]);
    Response::new(201, headers.into_iter().collect::<Headers>(), body).into()
}

#[derive(Clone)]
struct Clients {
    store: RedisStore,
    plain: ConnectionManager,
    outcome: Outcome,
    /// As long as the store's records of these.
    values: [Vec<u8>; 2],
}

impl Clients {
    async fn request(mut self, work: usize, number: u64) {
        let name = key(number);
        let plain = [b"plain".as_slice(), name.as_bytes()].concat();
        let lease = lease();
        match work {
            0 => {
                let options = SetOptions::default().with_expiration(SetExpiry::PX(60_000));
                let first = options.clone().conditional_set(ExistenceCheck::NX);
                let [pending, completed] = &self.values;
                self.plain
                    .set_options(&plain, pending, first)
                    .await
                    .unwrap();
                self.plain
                    .set_options(&plain, completed, options)
                    .await
                    .unwrap();
            }
            1 => {
                assert_eq!(self.store.claim(&name, &lease).await.unwrap(), Claim::Owned);
                let completing = self.store.complete(&name, &lease, &self.outcome, MINUTE);
                assert_eq!(completing.await.unwrap(), Fenced::Held);
            }
            2 => {
                let mut get = redis::cmd("GET");
                let value: Vec<u8> = get.arg(&plain).query_async(&mut self.plain).await.unwrap();
                assert!(!value.is_empty());
            }
            _ => {
                let claimed = self.store.claim(&name, &lease).await.unwrap();
                assert!(matches!(claimed, Claim::Taken(_)));
            }
        }
    }
}

/// A request's time and the server's CPU time for it, in microseconds.
async fn timed(server: &Redis, work: impl Future<Output = ()>) -> (f64, f64) {
    let (cpu, begun) = (cpu(server), Instant::now());
    work.await;
    let each = |seconds: f64| seconds * 1e6 / REQUESTS as f64;
    (
        each(begun.elapsed().as_secs_f64()),
        each(self::cpu(server) - cpu),
    )
}

/// The CPU time of the server so far, in seconds.
fn cpu(server: &Redis) -> f64 {
    let info = server.command(&["INFO", "cpu"]).unwrap();
    let used = |name| {
        info.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
    };
    ["used_cpu_user:", "used_cpu_sys:"]
        .map(|name| used(name).parse::<f64>().unwrap())
        .iter()
        .sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn at(server: &Redis, clients: &Clients, tasks: u64) {
    let mut measured = [const { (Vec::new(), Vec::new()) }; WORK.len()];
    for round in 0..ROUNDS {
        server.command(&["FLUSHALL"]).unwrap();
        for (work, (times, cpus)) in measured.iter_mut().enumerate() {
            let run = async {
                let mut running = JoinSet::new();
                for task in 0..tasks {
                    let clients = clients.clone();
                    running.spawn(async move {
                        for number in (task..REQUESTS).step_by(tasks as usize) {
                            clients.clone().request(work, number).await;
                        }
                    });
                }
                running.join_all().await;
            };
            let (time, cpu) = timed(server, run).await;
            // The first round warms up.
            if round > 0 {
                times.push(time);
                cpus.push(cpu);
            }
        }
    }
    println!("| µs a call, {tasks} at once on one connection | time | server's CPU |");
    println!("|---|--:|--:|");
    for (name, (times, cpus)) in WORK.iter().zip(measured) {
        println!("| {name} | {:.1} | {:.1} |", median(times), median(cpus));
    }
    println!();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let server = match std::env::args().nth(1) {
        None => Redis::start().unwrap(),
        Some(program) => Redis::start_program(program).unwrap(),
    };
    let store = RedisStore::builder(server.url()).connect().await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let (name, lease, outcome) = (key(0), lease(), outcome());
    let stored = ["idem:".as_bytes(), name.as_bytes()].concat();
    let mut plain = client.get_connection_manager().await.unwrap();
    let mut values = [const { Vec::new() }; 2];
    for value in &mut values {
        match value.is_empty() && store.look_up(&name).await.unwrap().is_none() {
            true => assert_eq!(store.claim(&name, &lease).await.unwrap(), Claim::Owned),
            false => drop(
                store
                    .complete(&name, &lease, &outcome, MINUTE)
                    .await
                    .unwrap(),
            ),
        }
        let mut get = redis::cmd("GET");
        *value = get.arg(&stored).query_async(&mut plain).await.unwrap();
    }
    let mut usage = redis::cmd("MEMORY");
    usage.arg("USAGE").arg(&stored);
    let bytes: u64 = usage.query_async(&mut plain).await.unwrap();
    let info = server.command(&["INFO", "server"]).unwrap();
    let version = |name| info.lines().find_map(|line: &str| line.strip_prefix(name));
    let version = version("valkey_version:").or_else(|| version("redis_version:"));
    println!(
        "version {}: a record of a response with 200 bytes takes {bytes} bytes, {} of them its value",
        version.unwrap_or("unknown"),
        values[1].len()
    );
    let clients = Clients {
        store,
        plain,
        outcome,
        values,
    };
    for tasks in [1, 64] {
        at(&server, &clients, tasks).await;
    }
}
