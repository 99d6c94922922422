//! One of the clients of a key: it asks as the engine does, and goes on until it sees an outcome.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use idem_core::{
    Headers, IdempotencyStore, RecordKey, Response,
    store::{
        Claim, Fenced, Fingerprint, Identity, Lease, Operation, Outcome, Record, StoreError,
        StoreErrorKind,
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    clock::{Clock, Pace},
    judge::{Asked, Judge, Violation, body_of},
};

/// How often the end of an execution is sent at most, as in the engine.
const ATTEMPTS: usize = 4;

/// After so many claims somebody should have ended it.
const PATIENCE: usize = 2_000;

pub(crate) struct Worker<C> {
    pub(crate) store: Arc<dyn IdempotencyStore>,
    pub(crate) clock: C,
    pub(crate) pace: Pace,
    pub(crate) key: RecordKey,
    pub(crate) judge: Arc<Mutex<Judge>>,
    pub(crate) dice: StdRng,
}

impl<C: Clock> Worker<C> {
    pub(crate) async fn work(mut self) {
        for _ in 0..PATIENCE {
            let lease = self.new_lease();
            let sent = self.clock.now();
            let claimed = self.claim(&lease).await;
            self.drift().await;
            match claimed {
                Ok(Claim::Owned) => self.execute(&lease, sent + self.pace.lease).await,
                Ok(Claim::Taken(Record::Completed(record))) => {
                    return self.judge().replays(&record);
                }
                Ok(Claim::Taken(_)) | Err(_) => {}
            }
            self.wait().await;
        }
        self.judge().violations.push(Violation::NeverEnded);
    }

    fn new_lease(&self) -> Lease {
        Lease::new(
            Identity::new(Fingerprint::from_bytes([7; 32])),
            self.pace.lease,
        )
    }

    /// An ambiguous claim is asked again, once, with the same owner.
    async fn claim(&self, lease: &Lease) -> Result<Claim, StoreError> {
        self.judge().statistics.claims += 1;
        let answer = match self.store.claim(&self.key, lease).await {
            Err(error) if error.may_have_landed() => {
                self.judge().statistics.claims_asked_again += 1;
                self.store.claim(&self.key, lease).await
            }
            answer => answer,
        };
        if answer.is_err() {
            self.judge().statistics.claims_unanswered += 1;
        }
        answer
    }

    async fn execute(&mut self, lease: &Lease, until: Duration) {
        if self.dice.random_bool(0.04) {
            self.pause().await;
        }
        if !self.start(lease, until) {
            return;
        }
        if self.dice.random_bool(0.08) {
            return self.crash();
        }
        if self.dice.random_bool(0.10) {
            self.pause().await;
        }
        if self.dice.random_bool(0.35) {
            self.renew(lease).await;
            self.drift().await;
        }
        if self.dice.random_bool(0.20) {
            return self.release(lease).await;
        }
        self.judge().has_effect();
        if self.dice.random_bool(0.08) {
            return self.crash();
        }
        if self.dice.random_bool(0.10) {
            self.pause().await;
        }
        if self.dice.random_bool(0.06) {
            return self.vanish_while_completing(lease).await;
        }
        self.complete(lease).await;
    }

    fn start(&self, lease: &Lease, until: Duration) -> bool {
        let mut judge = self.judge();
        let now = self.clock.now();
        judge.starts(*lease.owner(), until, now)
    }

    /// Everything is dropped: nobody renews, completes or releases.
    fn crash(&self) {
        self.judge().statistics.crashes += 1;
    }

    /// The process stands still until its lease is over for everybody, and then goes on unaware.
    async fn pause(&mut self) {
        self.judge().statistics.pauses += 1;
        let longer = self.at_most(self.pace.lease / 2);
        let end = self.clock.now() + self.pace.lease + longer;
        while self.clock.now() < end {
            self.wait().await;
        }
    }

    async fn renew(&self, lease: &Lease) {
        let (asked, sent) = self.ask(Operation::Renew, lease);
        let renewed = self.store.renew(&self.key, lease).await;
        let Ok(fenced) = renewed else { return };
        let mut judge = self.judge();
        judge.answers(&asked, fenced, self.clock.now());
        match fenced {
            Fenced::Held => judge.runs_until(lease.owner(), sent + self.pace.lease),
            Fenced::Lost => judge.statistics.renewals_lost += 1,
        }
    }

    async fn release(&mut self, lease: &Lease) {
        for _ in 0..ATTEMPTS {
            let (asked, _) = self.ask(Operation::Release, lease);
            match self.store.release(&self.key, lease).await {
                Ok(fenced) => {
                    let mut judge = self.judge();
                    judge.statistics.released += 1;
                    return judge.answers(&asked, fenced, self.clock.now());
                }
                Err(error) if is_final(&error) => return,
                Err(_) => self.drift().await,
            }
        }
    }

    /// Nobody releases after this.
    async fn complete(&mut self, lease: &Lease) {
        let outcome = outcome(lease);
        for _ in 0..ATTEMPTS {
            let (asked, _) = self.ask(Operation::Complete, lease);
            let call = self
                .store
                .complete(&self.key, lease, &outcome, self.pace.retention);
            match call.await {
                Ok(fenced) => {
                    let mut judge = self.judge();
                    judge.answers(&asked, fenced, self.clock.now());
                    match fenced {
                        Fenced::Held => judge.completes(*lease.owner()),
                        Fenced::Lost => judge.statistics.completions_lost += 1,
                    }
                    return;
                }
                Err(error) if is_final(&error) => break,
                Err(_) => self.drift().await,
            }
        }
        self.judge().statistics.completions_unanswered += 1;
    }

    /// A crash with the completion on its way.
    async fn vanish_while_completing(&mut self, lease: &Lease) {
        self.judge().statistics.completions_abandoned += 1;
        let outcome = outcome(lease);
        let polls = self.dice.random_range(0..4);
        let death = async {
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
        };
        let completion = self
            .store
            .complete(&self.key, lease, &outcome, self.pace.retention);
        tokio::select! {
            biased;
            _ = completion => {}
            () = death => {}
        }
    }

    fn ask(&self, operation: Operation, lease: &Lease) -> (Asked, Duration) {
        let mut judge = self.judge();
        let now = self.clock.now();
        (judge.asks(operation, *lease.owner(), now), now)
    }

    /// A little time passes.
    async fn drift(&mut self) {
        let by = self.at_most(self.pace.lease / 500);
        self.clock.pass(by).await;
        tokio::task::yield_now().await;
    }

    /// More of it, and some real time, in which the others get on.
    async fn wait(&mut self) {
        let by = self.at_most(self.pace.lease / 30);
        self.clock.pass(by).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    fn at_most(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.dice.random_range(0.0..1.0))
    }

    fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn dice(seed: u64, stream: u64) -> StdRng {
    StdRng::seed_from_u64(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn outcome(lease: &Lease) -> Outcome {
    Response::new(201, Headers::default(), body_of(lease.owner())).into()
}

fn is_final(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::TooLarge | StoreErrorKind::Rejected | StoreErrorKind::Corrupt
    )
}
