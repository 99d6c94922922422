//! A store in memory with transactions: what is written in one appears together with its record, or never.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use idem_core::{
    CurrentExecution, IdempotencyStore, MemoryStore, RecordKey,
    store::{
        Commit, Completion, Ending, EnlistError, Fenced, InDoubt, Lease, Operation, Outcome,
        Record, Renewals, Reservation, RolledBack, StoreError, StoreErrorKind, WriteEffect,
    },
};
use idem_store_tests::FaultyStore;
use tokio::{task::JoinHandle, time::sleep};

use crate::wrapped::{Around, Wrapped};

/// What becomes of the next COMMIT.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Fate {
    /// It lands, if the fence lets it.
    #[default]
    Lands,
    /// It certainly does not land.
    Refused(fn() -> RolledBack),
    /// It lands, and nobody hears of it.
    AnswerLost,
    /// It does not arrive, and nobody hears of it.
    NeverArrives,
    /// It lands after its sender gave it up.
    LandsAfter(Duration),
    /// Nobody ever hears of it, and the ending does not give up either.
    Hangs,
    Panics,
}

/// What becomes of a ROLLBACK.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum RollBack {
    #[default]
    Heard,
    HeardAfter(Duration),
    Unheard,
    Hangs,
    Panics,
}

/// What becomes of a question after a COMMIT in doubt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    NotAsked,
    /// It was asked, and its answer was lost.
    AnswerLost,
    Hangs,
    Panics,
}

/// A client of the store; clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) records: FaultyStore<MemoryStore>,
    memory: MemoryStore,
    pub(crate) renewals: Renewals,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    written: Vec<&'static str>,
    steps: Vec<&'static str>,
    open: usize,
    commit: Fate,
    roll_back: RollBack,
    questions: VecDeque<Question>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let memory = MemoryStore::new();
        Self {
            records: FaultyStore::new(memory.clone()),
            memory,
            renewals: Renewals::GoOn,
            shared: Arc::default(),
        }
    }

    /// The store of its records, whose completions and releases are steps.
    pub(crate) fn store(&self) -> Wrapped<Self, FaultyStore<MemoryStore>> {
        Wrapped {
            inner: self.records.clone(),
            around: self.clone(),
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Shared) -> T) -> T {
        change(&mut self.shared.lock().unwrap())
    }

    pub(crate) fn commit(&self, fate: Fate) {
        self.with(|shared| shared.commit = fate);
    }

    pub(crate) fn roll_back(&self, fate: RollBack) {
        self.with(|shared| shared.roll_back = fate);
    }

    pub(crate) fn questions(&self, fates: impl IntoIterator<Item = Question>) {
        self.with(|shared| shared.questions = fates.into_iter().collect());
    }

    /// All that was committed.
    pub(crate) fn written(&self) -> Vec<&'static str> {
        self.with(|shared| shared.written.clone())
    }

    /// How many transactions are open.
    pub(crate) fn open(&self) -> usize {
        self.with(|shared| shared.open)
    }

    /// What was sent to end transactions and keys, in order.
    pub(crate) fn steps(&self) -> Vec<&'static str> {
        self.with(|shared| shared.steps.clone())
    }

    fn step(&self, step: &'static str) {
        self.with(|shared| shared.steps.push(step));
    }

    pub(crate) fn begin(&self, current: &CurrentExecution) -> Result<Transaction, EnlistError> {
        let reservation = current.reserve(self.records.identity(), self.renewals)?;
        Ok(Transaction {
            reservation,
            open: Open::new(self),
        })
    }

    /// Begins, writes, and hands over.
    pub(crate) fn order(&self, current: &CurrentExecution, effect: &'static str) {
        let mut transaction = self.begin(current).unwrap();
        transaction.write(effect);
        transaction.hand_over().unwrap();
    }

    /// The fenced statement and COMMIT.
    async fn land(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
        writes: &[&'static str],
    ) -> bool {
        // One that this owner has completed may be of another delivery of its lease.
        let found = self.memory.look_up(key).await.unwrap();
        if found.is_some_and(|found| matches!(found.record(), Record::Completed(_))) {
            return false;
        }
        let fenced = self.memory.complete(key, lease, outcome, retention).await;
        let held = fenced.unwrap() == Fenced::Held;
        if held {
            self.with(|shared| shared.written.extend(writes));
        }
        held
    }
}

#[derive(Debug)]
pub(crate) struct Transaction {
    reservation: Reservation,
    open: Open,
}

impl Transaction {
    pub(crate) fn write(&mut self, effect: &'static str) {
        self.open.writes.push(effect);
    }

    pub(crate) fn hand_over(self) -> Result<(), EnlistError> {
        self.reservation.enlist(self.open)
    }
}

/// A transaction that is open; dropped, it is rolled back.
#[derive(Debug)]
pub(crate) struct Open {
    ledger: Ledger,
    writes: Vec<&'static str>,
}

impl Open {
    fn new(ledger: &Ledger) -> Self {
        ledger.with(|shared| shared.open += 1);
        Self {
            ledger: ledger.clone(),
            writes: Vec::new(),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.ledger.with(|shared| shared.open -= 1);
    }
}

#[async_trait]
impl Ending for Open {
    async fn commit(self: Box<Self>, completion: Completion<'_>) -> Commit {
        let ledger = self.ledger.clone();
        ledger.step("commit");
        let (key, lease) = (*completion.key(), *completion.lease());
        let (outcome, retention) = (completion.outcome().clone(), completion.retention());
        let land = || async {
            ledger
                .land(&key, &lease, &outcome, retention, &self.writes)
                .await
        };
        match ledger.with(|shared| shared.commit) {
            Fate::Lands => match land().await {
                true => Commit::Committed,
                false => Commit::Lost,
            },
            Fate::Refused(why) => Commit::RolledBack(why()),
            Fate::AnswerLost => match land().await {
                true => self.unknown(None),
                false => Commit::Lost,
            },
            Fate::NeverArrives => self.unknown(None),
            Fate::LandsAfter(time) => {
                let (ledger, writes) = (ledger.clone(), self.writes.clone());
                let landing = tokio::spawn(async move {
                    sleep(time).await;
                    ledger.step("landed");
                    ledger
                        .land(&key, &lease, &outcome, retention, &writes)
                        .await;
                });
                self.unknown(Some(landing))
            }
            Fate::Hangs => pending().await,
            Fate::Panics => panic!("a planted panic in COMMIT"),
        }
    }

    async fn roll_back(self: Box<Self>) -> Result<(), StoreError> {
        self.ledger.step("roll back");
        match self.ledger.with(|shared| shared.roll_back) {
            RollBack::Heard => {}
            RollBack::HeardAfter(time) => sleep(time).await,
            RollBack::Unheard => return Err(no_answer()),
            RollBack::Hangs => pending().await,
            RollBack::Panics => panic!("a planted panic in ROLLBACK"),
        }
        self.ledger.step("rolled back");
        Ok(())
    }
}

impl Open {
    fn unknown(&self, landing: Option<JoinHandle<()>>) -> Commit {
        let doubt = Doubt {
            ledger: self.ledger.clone(),
            landing: tokio::sync::Mutex::new(landing),
        };
        Commit::Unknown(no_answer(), Box::new(doubt))
    }
}

fn no_answer() -> StoreError {
    let kind = StoreErrorKind::Unavailable;
    StoreError::new(Operation::Complete, kind, WriteEffect::Unknown)
}

#[derive(Debug)]
struct Doubt {
    ledger: Ledger,
    landing: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

#[async_trait]
impl InDoubt for Doubt {
    async fn ask(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        self.ledger.step("ask");
        let fate = self.ledger.with(|shared| shared.questions.pop_front());
        match fate {
            Some(Question::NotAsked) => return Err(no_answer()),
            Some(Question::Hangs) => pending().await,
            Some(Question::Panics) => panic!("a planted panic in the question"),
            Some(Question::AnswerLost) | None => {}
        }
        // A question that was given up leaves the COMMIT on its way.
        let mut landing = self.landing.lock().await;
        if let Some(late) = &mut *landing {
            late.await.unwrap();
            *landing = None;
        }
        let answer = self.ledger.memory.release(key, lease).await;
        match fate {
            Some(_) => Err(no_answer()),
            None => answer,
        }
    }
}

impl Around for Ledger {
    async fn around<T: Send>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if let Operation::Complete | Operation::Release = operation {
            self.step(operation.as_str());
        }
        call.await
    }
}
