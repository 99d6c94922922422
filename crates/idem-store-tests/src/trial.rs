//! A store on trial: how the cases call it and what they expect to find.

use std::{fmt::Debug, sync::Arc, time::Duration};

use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Claim, Completed, Fenced, Lease, Operation, Outcome, Pending, Record, StoreError, Stored,
    },
};
use tokio::sync::Barrier;

use crate::{
    clock::{Clock, Span},
    fixture::{Fixture, SharedStore},
    sample::{self, LONG},
};

/// What a case is given: a store, and the clock that it measures by.
#[derive(Debug)]
pub struct Trial {
    clock: Clock,
    fixture: Fixture,
}

impl Trial {
    pub(crate) const fn new(clock: Clock, fixture: Fixture) -> Self {
        Self { clock, fixture }
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) const fn crowd(&self) -> usize {
        self.fixture.crowd_size()
    }

    /// How long something lasts that is to run out.
    pub(crate) const fn short(&self) -> Duration {
        self.clock.unit()
    }

    /// A lease of somebody's that is to run out.
    pub(crate) fn short_lease(&self) -> Lease {
        sample::lease_for(self.short())
    }

    pub(crate) fn store(&self) -> &dyn IdempotencyStore {
        self.fixture.store()
    }

    /// One of the clients, in turn.
    pub(crate) fn client(&self, number: usize) -> SharedStore {
        self.fixture.dealt(number)
    }

    /// A key that nobody has used.
    pub(crate) fn key(&self) -> Key<'_> {
        self.key_named(sample::record_key())
    }

    pub(crate) const fn key_named(&self, name: RecordKey) -> Key<'_> {
        Key {
            trial: self,
            name,
            client: 0,
        }
    }

    pub(crate) fn lose_next_reply(&self, operation: Operation) -> bool {
        self.fixture.lose_next_reply(operation)
    }

    /// Lets tasks, which begin together, call the store at the same time.
    pub(crate) async fn race<T, F>(
        &self,
        tasks: usize,
        call: impl Fn(usize, SharedStore) -> F,
    ) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let start = Arc::new(Barrier::new(tasks));
        let running: Vec<_> = (0..tasks)
            .map(|number| {
                let start = Arc::clone(&start);
                let call = call(number, self.client(number));
                tokio::spawn(async move {
                    start.wait().await;
                    call.await
                })
            })
            .collect();
        let mut answers = Vec::with_capacity(tasks);
        for task in running {
            answers.push(task.await.expect("no call of the store panics"));
        }
        answers
    }
}

/// A record key on the store, with the calls that a case makes under it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    trial: &'a Trial,
    name: RecordKey,
    client: usize,
}

impl Key<'_> {
    pub(crate) const fn name(&self) -> RecordKey {
        self.name
    }

    /// The same key in another process, as far as there is another client.
    pub(crate) const fn elsewhere(&self) -> Self {
        Self { client: 1, ..*self }
    }

    fn store(&self) -> &dyn IdempotencyStore {
        self.trial.fixture.store_of(self.client)
    }

    pub(crate) async fn claim(&self, lease: &Lease) -> Claim {
        expect(self.store().claim(&self.name, lease).await)
    }

    pub(crate) async fn look_up(&self) -> Option<Stored> {
        expect(self.store().look_up(&self.name).await)
    }

    /// What a look-up finds, as a claim would tell it that takes nothing.
    pub(crate) async fn seen(&self) -> Option<Claim> {
        let found = self.look_up().await?;
        Some(untimed(Claim::Taken(found.record().clone())))
    }

    pub(crate) async fn renew(&self, lease: &Lease) -> Fenced {
        expect(self.store().renew(&self.name, lease).await)
    }

    pub(crate) async fn release(&self, lease: &Lease) -> Fenced {
        expect(self.store().release(&self.name, lease).await)
    }

    /// Completes, to be kept for longer than the test.
    pub(crate) async fn complete(&self, lease: &Lease, outcome: &Outcome) -> Fenced {
        self.complete_for(lease, outcome, LONG).await
    }

    pub(crate) async fn complete_for(
        &self,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Fenced {
        let store = self.store();
        expect(store.complete(&self.name, lease, outcome, retention).await)
    }

    /// Claims the key, which must be absent, and says how long the lease runs.
    pub(crate) async fn own(&self, lease: &Lease) -> Span {
        let (answer, span) = self.timed(lease.duration(), self.claim(lease)).await;
        assert_eq!(answer, Claim::Owned, "the claim of an absent key");
        span
    }

    /// Completes a key that the lease holds, and says how long the result is kept.
    pub(crate) async fn record(
        &self,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Span {
        let completion = self.complete_for(lease, outcome, retention);
        let (answer, span) = self.timed(retention, completion).await;
        assert_eq!(answer, Fenced::Held, "the completion by the key's owner");
        span
    }

    /// Makes a call from which the store measures a duration.
    pub(crate) async fn timed<T>(
        &self,
        duration: Duration,
        call: impl Future<Output = T>,
    ) -> (T, Span) {
        Span::begin(self.trial.clock, duration, call).await
    }

    /// What a stranger's claim finds. If it finds nothing, the stranger has the key from then on.
    pub(crate) async fn look(&self) -> Claim {
        untimed(self.claim(&sample::lease()).await)
    }
}

/// The answer to a claim while somebody holds this lease.
pub(crate) const fn pending(lease: &Lease) -> Claim {
    let pending = Pending::new(*lease.owner(), *lease.identity(), None);
    Claim::Taken(Record::Pending(pending))
}

/// The answer to a claim when this came of somebody's lease.
pub(crate) fn completed(lease: &Lease, outcome: &Outcome) -> Claim {
    let completed = Completed::new(*lease.owner(), *lease.identity(), outcome.clone());
    Claim::Taken(Record::Completed(completed))
}

/// A claim's answer without what remains of the lease, which a store need not tell.
pub(crate) fn untimed(claim: Claim) -> Claim {
    match claim {
        Claim::Taken(Record::Pending(found)) => Claim::Taken(Record::Pending(Pending::new(
            *found.owner(),
            *found.identity(),
            None,
        ))),
        other => other,
    }
}

fn expect<T: Debug>(answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| panic!("{error}: {error:?}"))
}
