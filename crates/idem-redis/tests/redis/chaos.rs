//! Chaos on a real server: answers are lost, calls land late, workers crash and stand still past their leases.
//!
//! Leases run on the server's clock, which is the machine's. For a longer run:
//! `CHAOS_SEED=7 CHAOS_KEYS=20000 cargo test -p idem-redis --features redis-tests --test redis chaos -- --nocapture`

mod shaky;
mod unfenced;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use idem_core::{
    IdempotencyStore,
    store::{Operation, Record, Stored},
};
use idem_redis::RedisStore;
use store_chaos::{Clock, Contest, Defective, Pace, Report, from_env};
use test_servers::Redis;

use crate::{chaos::shaky::Shaky, server::connect};

const KEYS: u64 = 300;

const PACE: Pace = Pace {
    lease: Duration::from_millis(150),
    retention: Duration::from_secs(60 * 60),
};

/// The machine's clock: the server's is the same, and a lease begins on it after its claim was sent.
#[derive(Clone, Copy, Debug)]
struct Real(Instant);

impl Clock for Real {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn pass(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }
}

async fn run(server: &Redis, seed: u64, keys: u64, defect: Option<Operation>) -> Report {
    server.command(&["FLUSHALL"]).unwrap();
    let shaky = Shaky::connect(&server.url(), seed, PACE.lease).await;
    let sound = RedisStore::with_connection(shaky.clone()).connect().await;
    let sound = sound.unwrap();
    let store: Arc<dyn IdempotencyStore> = match defect {
        None => Arc::new(sound),
        Some(defect) => Arc::new(Defective::new(sound, shaky.clone(), defect)),
    };
    let contest = Contest {
        store,
        clock: Real(Instant::now()),
        pace: PACE,
        seed,
        lanes: 32,
    };
    let judged = contest.judged(keys).await;
    let struck = shaky.settled().await;
    let quiet = connect(&server.url()).await;
    let mut report = Report {
        struck,
        ..Report::default()
    };
    for (key, judge) in judged {
        let found = quiet.look_up(&key).await.unwrap();
        match found.as_ref().map(Stored::record) {
            Some(Record::Completed(record)) => report.add(judge, Some(record)),
            _ => report.add(judge, None),
        }
    }
    println!("{defect:?}, seed {seed}: {report}");
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_contract_in_chaos() {
    let seed = from_env("CHAOS_SEED").unwrap_or(1);
    let keys = from_env("CHAOS_KEYS").unwrap_or(KEYS);
    for server in [Redis::start().unwrap(), Redis::start_valkey().unwrap()] {
        let report = run(&server, seed, keys, None).await;
        assert!(report.violations.is_empty(), "{report}");
        assert!(report.has_tried() || keys < KEYS, "{report}");
    }
}

async fn is_caught(defect: Operation) {
    let server = Redis::start().unwrap();
    store_chaos::is_caught(12, async |seed| run(&server, seed, 60, Some(defect)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_release_without_a_fence() {
    is_caught(Operation::Release).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_completion_without_a_fence() {
    is_caught(Operation::Complete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_renewal_without_a_fence() {
    is_caught(Operation::Renew).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_claim_that_reads_before_it_writes() {
    is_caught(Operation::Claim).await;
}
