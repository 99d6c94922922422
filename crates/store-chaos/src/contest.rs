//! All keys of a run with their workers, and the results.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use idem_core::{IdempotencyStore, RecordKey, store::Completed};
use tokio::task::JoinSet;

use crate::{
    clock::{Clock, Pace},
    judge::{Judge, Violation},
    statistics::Statistics,
    worker::{Worker, dice},
};

const WORKERS: u64 = 6;

/// A store, and how its keys are contended for.
#[derive(Clone, Debug)]
pub struct Contest<C> {
    /// The store, whose calls may fail.
    pub store: Arc<dyn IdempotencyStore>,
    /// On which its leases run.
    pub clock: C,
    /// How long they run.
    pub pace: Pace,
    /// What draws each choice of the workers.
    pub seed: u64,
    /// How many keys are worked at a time.
    pub lanes: u64,
}

impl<C: Clock> Contest<C> {
    /// Lets workers contend for each of so many keys until all have seen an outcome.
    ///
    /// # Panics
    /// A worker does, or records may have ended within the run.
    pub async fn judged(&self, keys: u64) -> Vec<(RecordKey, Judge)> {
        let began = self.clock.now();
        let mut lanes = JoinSet::new();
        for lane in 0..self.lanes {
            let (contest, step) = (self.clone(), self.lanes);
            lanes.spawn(async move {
                let mut judged = Vec::new();
                let mut number = lane;
                while number < keys {
                    judged.push(contest.contend(number).await);
                    number += step;
                }
                judged
            });
        }
        let judged = lanes.join_all().await;
        let passed = self.clock.now() - began;
        assert!(passed < self.pace.retention, "records ended within the run");
        judged.into_iter().flatten().collect()
    }

    /// Lets all workers of one key loose at once, until each has seen an outcome.
    async fn contend(&self, number: u64) -> (RecordKey, Judge) {
        let key = key(number);
        let judge = Arc::new(Mutex::new(Judge::default()));
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            let worker = Worker {
                store: Arc::clone(&self.store),
                clock: self.clock.clone(),
                pace: self.pace,
                key,
                judge: Arc::clone(&judge),
                dice: dice(self.seed, number * WORKERS + worker + 1),
            };
            workers.spawn(worker.work());
        }
        workers.join_all().await;
        let mut judge = judge.lock().unwrap_or_else(PoisonError::into_inner);
        (key, std::mem::take(&mut *judge))
    }
}

/// The key of this number.
#[must_use]
pub fn key(number: u64) -> RecordKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RecordKey::from_bytes(bytes)
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Report {
    /// How many keys there were.
    pub keys: u64,
    /// How many calls failed on purpose.
    pub struck: u64,
    /// What happened.
    pub statistics: Statistics,
    /// What must not have happened.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Adds a key, whose record is this one when all is over.
    pub fn add(&mut self, mut judge: Judge, record: Option<&Completed>) {
        judge.finds(record);
        self.keys += 1;
        self.statistics += judge.statistics;
        self.violations.append(&mut judge.violations);
    }

    /// Whether the run has tried anything: lost leases, late completions and failures.
    #[must_use]
    pub const fn has_tried(&self) -> bool {
        let Statistics {
            takeovers,
            completions_lost,
            duplicates,
            ..
        } = self.statistics;
        self.struck > 0 && takeovers > 0 && completions_lost > 0 && duplicates > 0
    }

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
