//! A small store with transactions that keeps the contract of endings, or breaks it in one way.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use idem_core::{
    CurrentExecution, IdempotencyStore, RecordKey,
    store::{
        Commit, Completion, Ending, Fenced, InDoubt, Lease, Operation, Outcome, Renewals,
        Reservation, RolledBack, StoreError, StoreErrorKind, WriteEffect,
    },
};
use idem_store_tests::{Cut, TransactionError, TransactionalStore};
use tokio::{
    sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

use crate::{defect::Defect, records::Records};

/// How long a transaction waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many connections a client's pool has: enough for a second transaction beside the first.
const CONNECTIONS: usize = 2;

/// A client with a pool.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    records: Records,
    effects: Arc<Mutex<Vec<String>>>,
    cut: Arc<Mutex<Option<Cut>>>,
    open: Arc<AtomicUsize>,
    pool: Arc<Semaphore>,
    is_plain: bool,
}

impl Reference {
    pub(crate) fn new(defect: Option<Defect>) -> Self {
        Self {
            records: Records::new(defect),
            effects: Arc::default(),
            cut: Arc::default(),
            open: Arc::default(),
            pool: Arc::new(Semaphore::new(CONNECTIONS)),
            is_plain: false,
        }
    }

    /// One that has one writer, and whose author has written no more than was needed.
    pub(crate) fn plain(mut self) -> Self {
        self.is_plain = true;
        self
    }

    fn has(&self, defect: Defect) -> bool {
        self.records.defect == Some(defect)
    }

    fn apply(&self, effects: &[String]) {
        self.effects.lock().unwrap().extend_from_slice(effects);
    }
}

/// What a database has of a transaction that is open.
#[derive(Debug)]
pub(crate) struct Open {
    store: Reference,
    effects: Vec<String>,
    connection: Option<OwnedSemaphorePermit>,
    began: Instant,
    was_held: bool,
    failed: bool,
    is_over: bool,
}

impl Open {
    /// The connection goes back to the pool, or not.
    fn over(&mut self, leak: Defect) {
        self.is_over = true;
        self.store.open.fetch_sub(1, Ordering::SeqCst);
        let connection = self.connection.take().unwrap();
        if self.store.has(leak) {
            connection.forget();
        }
    }

    /// Commits, if the fence lets the record through; the row is locked.
    async fn land(&self, completion: &Sent) -> Fenced {
        let Sent {
            key,
            lease,
            outcome,
            retention,
        } = completion;
        let (store, records) = (&self.store, &self.store.records);
        if store.has(Defect::RecordOutsideTheTransaction) {
            store.apply(&self.effects);
            let later = records.complete_in_transaction(key, lease, outcome, *retention);
            return later.await;
        }
        let is_forced =
            store.has(Defect::NoFence) || (store.has(Defect::FenceOfBegin) && self.was_held);
        if is_forced && !records.is_held(key, lease).await {
            let _ = records.free(key).await;
        }
        let retention = if store.has(Defect::NowOfBegin) {
            retention.saturating_sub(self.began.elapsed())
        } else {
            *retention
        };
        let fenced = records.complete_in_transaction(key, lease, outcome, retention);
        let fenced = fenced.await;
        if fenced == Fenced::Held || store.has(Defect::CommitsAlthoughLost) {
            store.apply(&self.effects);
        }
        fenced
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.store.has(Defect::DropCommits) {
            self.store.apply(&self.effects);
        }
        self.over(Defect::DropLeaks);
    }
}

/// What a COMMIT is sent with.
struct Sent {
    key: RecordKey,
    lease: Lease,
    outcome: Outcome,
    retention: Duration,
}

#[async_trait]
impl Ending for Open {
    async fn commit(mut self: Box<Self>, completion: Completion<'_>) -> Commit {
        if self.failed && !self.store.has(Defect::FailuresAreSwallowed) {
            self.over(Defect::RollBackLeaks);
            return Commit::RolledBack(RolledBack::for_good());
        }
        let store = self.store.clone();
        let sent = Sent {
            key: *completion.key(),
            lease: *completion.lease(),
            outcome: completion.outcome().clone(),
            retention: completion.retention(),
        };
        let row = store.records.row(&sent.key).await;
        let cut = store.cut.lock().unwrap().take();
        match cut {
            None => {}
            Some(Cut::LandsAfter(time)) => {
                let late = late(self, sent, row, time);
                tokio::spawn(late);
                return unknown(&store);
            }
            Some(Cut::AnswerLost) => {
                let _ = self.land(&sent).await;
                self.over(Defect::CommitLeaks);
                return unknown(&store);
            }
            Some(_) => {
                self.over(Defect::RollBackLeaks);
                return unknown(&store);
            }
        }
        match self.land(&sent).await {
            Fenced::Held => {
                self.over(Defect::CommitLeaks);
                Commit::Committed
            }
            Fenced::Lost => {
                self.over(Defect::LostLeaks);
                Commit::Lost
            }
        }
    }

    async fn roll_back(mut self: Box<Self>) -> Result<(), StoreError> {
        if self.store.has(Defect::RollBackKeepsTheEffect) {
            self.store.apply(&self.effects);
        }
        if self.store.has(Defect::RollBackIsNotAwaited) {
            tokio::spawn(async move {
                sleep(PATIENCE / 4).await;
                self.over(Defect::RollBackLeaks);
            });
            return Ok(());
        }
        tokio::task::yield_now().await;
        self.over(Defect::RollBackLeaks);
        Ok(())
    }
}

async fn late(mut open: Box<Open>, sent: Sent, row: OwnedMutexGuard<()>, time: Duration) {
    sleep(time).await;
    let _ = open.land(&sent).await;
    open.over(Defect::CommitLeaks);
    drop(row);
}

fn unknown(store: &Reference) -> Commit {
    match store.records.defect {
        Some(Defect::FreedOnUnknown) => return Commit::RolledBack(RolledBack::for_now()),
        Some(Defect::UnknownIsCommitted) => return Commit::Committed,
        _ => {}
    }
    let kind = StoreErrorKind::Unavailable;
    let error = StoreError::new(Operation::Complete, kind, WriteEffect::Unknown);
    Commit::Unknown(error, Box::new(Doubt(store.records.clone())))
}

#[derive(Debug)]
struct Doubt(Records);

#[async_trait]
impl InDoubt for Doubt {
    async fn ask(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        if self.0.defect == Some(Defect::QuestionDoesNotWait) {
            return self.0.memory.release(key, lease).await;
        }
        self.0.release(key, lease).await
    }
}

#[derive(Debug)]
pub(crate) struct Transaction {
    reservation: Option<Reservation>,
    open: Open,
}

impl TransactionalStore for Reference {
    type Transaction = Transaction;

    fn store(&self) -> impl IdempotencyStore {
        self.records.clone()
    }

    async fn begin(&self, current: &CurrentExecution) -> Result<Transaction, TransactionError> {
        let reserved = current.reserve(self.records.identity(), Renewals::GoOn);
        let reservation = match reserved {
            Ok(reservation) => Some(reservation),
            Err(_) if self.has(Defect::RefusalsAreIgnored) => None,
            Err(error) => {
                if self.has(Defect::RefusalLeaks) {
                    self.pool.forget_permits(1);
                }
                return Err(error.into());
            }
        };
        let connection = Arc::clone(&self.pool).acquire_owned();
        let connection = timeout(PATIENCE, connection).await??;
        self.open.fetch_add(1, Ordering::SeqCst);
        let found = self.records.look_up(current.record_key()).await?;
        Ok(Transaction {
            reservation,
            open: Open {
                store: self.clone(),
                effects: Vec::new(),
                connection: Some(connection),
                began: Instant::now(),
                was_held: found.is_some(),
                failed: false,
                is_over: false,
            },
        })
    }

    async fn write(&self, transaction: &mut Transaction, effect: &str) {
        if self.has(Defect::EffectsCommitAtOnce) {
            return self.apply(&[effect.to_owned()]);
        }
        transaction.open.effects.push(effect.to_owned());
    }

    async fn hand_over(&self, transaction: Transaction) -> Result<(), TransactionError> {
        let effects = transaction.open.effects.clone();
        let Some(reservation) = transaction.reservation else {
            self.apply(&effects);
            return Ok(());
        };
        let enlisted = reservation.enlist(transaction.open);
        if enlisted.is_err() && self.has(Defect::LateOnesCommit) {
            self.apply(&effects);
        }
        Ok(enlisted?)
    }

    async fn count(&self, effect: &str) -> usize {
        let effects = self.effects.lock().unwrap();
        effects.iter().filter(|found| *found == effect).count()
    }

    async fn another(&self) -> Self {
        Self {
            records: self.records.another(),
            pool: Arc::new(Semaphore::new(CONNECTIONS)),
            ..self.clone()
        }
    }

    fn has_one_writer(&self) -> bool {
        self.is_plain
    }

    async fn fail(&self, transaction: &mut Transaction) -> bool {
        transaction.open.failed = !self.is_plain;
        !self.is_plain
    }

    fn cut(&self, cut: Cut) -> bool {
        if !self.is_plain {
            *self.cut.lock().unwrap() = Some(cut);
        }
        !self.is_plain
    }

    async fn open_transactions(&self) -> Option<usize> {
        (!self.is_plain).then(|| self.open.load(Ordering::SeqCst))
    }
}
