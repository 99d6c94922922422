//! A service that fails at random, and all keys with their workers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use idem_core::{
    IdempotencyStore,
    store::{Completed, Record, decode},
};
use idem_momento::MomentoStore;
use momento::CacheClient;
use momento_emulator::{Code, Emulator, Fault, Landing, Method, When};
use store_chaos::{Clock, Contest, Pace, Report};

pub(crate) const CACHE: &str = "chaos";

/// On the emulator's clock, which moves only when a worker moves it.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// No record ends within a run: the judge counts on it.
pub(crate) const RETENTION: Duration = Duration::from_secs(23 * 60 * 60);

/// How many keys are worked at a time.
const LANES: u64 = 8;

/// How many keys share a service; more keys are several runs.
const BATCH: u64 = 500;

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) client: CacheClient,
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
    let contest = Contest {
        store,
        clock: Turned(world.emulator.clock()),
        pace: Pace {
            lease: LEASE,
            retention: RETENTION,
        },
        seed,
        lanes: LANES,
    };
    let judged = contest.judged(keys).await;
    let records = world.completed();
    for (key, judge) in judged {
        report.add(judge, records.get(key.as_bytes().as_slice()));
    }
    report.struck += world.emulator.faults().struck();
}

/// The emulator's clock, which moves only when a worker turns it.
#[derive(Clone, Debug)]
struct Turned(momento_emulator::Clock);

impl Clock for Turned {
    fn now(&self) -> Duration {
        self.0.now()
    }

    async fn pass(&self, by: Duration) {
        self.0.advance(by);
    }
}
