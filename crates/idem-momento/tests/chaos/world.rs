//! A service that fails at random, and all keys with their workers.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{Completed, Record, decode},
};
use idem_momento::MomentoStore;
use momento::CacheClient;
use momento_emulator::{Clock, Code, Emulator, Fault, Landing, Method, When};
use tokio::task::JoinSet;

use crate::{
    judge::{Judge, Violation},
    statistics::Statistics,
    worker::{Worker, dice},
};

pub(crate) const CACHE: &str = "chaos";

/// On the emulator's clock, which moves only when a worker moves it.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// No record ends within a run: the judge counts on it.
pub(crate) const RETENTION: Duration = Duration::from_secs(23 * 60 * 60);

const WORKERS: u64 = 6;

/// How many keys are worked at a time.
const LANES: u64 = 8;

/// How many keys share a service; more keys are several runs.
const BATCH: u64 = 500;

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) client: CacheClient,
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) keys: u64,
    pub(crate) struck: u64,
    pub(crate) statistics: Statistics,
    pub(crate) violations: Vec<Violation>,
}

impl World {
    pub(crate) fn new() -> Self {
        let emulator = Emulator::start().unwrap();
        emulator.create_cache(CACHE);
        emulator.clock().freeze();
        // Long enough for any machine: what is lost here is lost on purpose.
        let client = emulator.client(Duration::from_secs(60));
        Self { emulator, client }
    }

    pub(crate) fn store(&self) -> MomentoStore {
        MomentoStore::new(self.client.clone(), CACHE)
    }

    /// Each fault by the seed. Writes other than `SetIf` are those of the broken variants.
    fn let_it_fail(&self, seed: u64) {
        let faults = self.emulator.faults();
        faults.seed(seed);
        let lost = Code::Unavailable;
        let soon = Landing::In(LEASE / 10);
        let past_the_lease = Landing::In(LEASE + LEASE / 2);
        for write in [
            Method::SetIf,
            Method::Set,
            Method::Delete,
            Method::UpdateTtl,
        ] {
            faults.sometimes(0.06, write, Fault::Fail(When::After, lost));
            faults.sometimes(
                0.03,
                write,
                Fault::Fail(When::After, Code::DeadlineExceeded),
            );
            faults.sometimes(0.04, write, Fault::Fail(When::Before, lost));
            faults.sometimes(0.03, write, Fault::LandLate(soon, Code::Cancelled));
            faults.sometimes(0.03, write, Fault::LandLate(past_the_lease, lost));
        }
        faults.sometimes(0.10, Method::Get, Fault::StaleRead);
        faults.sometimes(0.03, Method::Get, Fault::Fail(When::After, lost));
    }

    /// What stands there at last, once everything under way has landed.
    fn completed(&self) -> BTreeMap<Vec<u8>, Completed> {
        self.emulator.land_late_writes();
        let items = self.emulator.items(CACHE).into_iter();
        items
            .filter_map(|(key, value)| match decode(&Bytes::from(value)) {
                Ok(Record::Completed(record)) => Some((key, record)),
                _ => None,
            })
            .collect()
    }
}

/// Runs that many keys of the store that `make` makes of a world.
pub(crate) async fn run(
    seed: u64,
    keys: u64,
    make: impl Fn(&World) -> Arc<dyn IdempotencyStore>,
) -> Report {
    let mut report = Report::default();
    while report.keys < keys {
        let batch = BATCH.min(keys - report.keys);
        let world = World::new();
        let seed = seed.wrapping_add(report.keys << 32);
        world.let_it_fail(seed);
        run_batch(&world, make(&world), seed, batch, &mut report).await;
    }
    report
}

async fn run_batch(
    world: &World,
    store: Arc<dyn IdempotencyStore>,
    seed: u64,
    keys: u64,
    report: &mut Report,
) {
    let began = world.emulator.clock().now();
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (store, clock) = (Arc::clone(&store), world.emulator.clock());
        lanes.spawn(async move {
            let mut judged = Vec::new();
            for key in (lane..keys).step_by(LANES as usize) {
                judged.push(contend(&store, &clock, seed, key).await);
            }
            judged
        });
    }
    let judged = lanes.join_all().await;
    let passed = world.emulator.clock().now() - began;
    assert!(passed < RETENTION, "records ended within the run");
    let records = world.completed();
    for (key, mut judge) in judged.into_iter().flatten() {
        judge.finds(records.get(key.as_bytes().as_slice()));
        report.statistics += judge.statistics;
        report.violations.append(&mut judge.violations);
    }
    report.keys += keys;
    report.struck += world.emulator.faults().struck();
}

/// Lets all workers of one key loose at once, until each has seen an outcome.
async fn contend(
    store: &Arc<dyn IdempotencyStore>,
    clock: &Clock,
    seed: u64,
    number: u64,
) -> (RecordKey, Judge) {
    let key = key(number);
    let judge = Arc::new(Mutex::new(Judge::default()));
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let worker = Worker {
            store: Arc::clone(store),
            clock: clock.clone(),
            key,
            judge: Arc::clone(&judge),
            dice: dice(seed, number * WORKERS + worker + 1),
        };
        workers.spawn(worker.work());
    }
    workers.join_all().await;
    let mut judge = judge.lock().unwrap_or_else(PoisonError::into_inner);
    (key, std::mem::take(&mut *judge))
}

pub(crate) fn key(number: u64) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RecordKey::from_bytes(bytes)
}

impl Report {
    /// How often each kind of violation was seen.
    fn tally(&self) -> BTreeMap<String, u64> {
        let mut tally = BTreeMap::new();
        for violation in &self.violations {
            *tally.entry(format!("{violation:?}")).or_default() += 1;
        }
        tally
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} keys, {} faults struck", self.keys, self.struck)?;
        writeln!(f, "{:?}", self.statistics)?;
        write!(f, "violations: {:?}", self.tally())
    }
}
