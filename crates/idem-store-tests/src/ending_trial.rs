//! A store with transactions on trial: executions on it, and what is to be found afterwards.

use std::{
    fmt,
    io::{self, Write},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use idem_core::{
    CurrentExecution, Headers, Idempotency, IdempotencyStore, LeaseTerm, Policy, Response, Undone,
    Verdict as KeyVerdict,
    adapter::{Admission, Begin, Execution, RequestHead},
};

use crate::{
    case::{Verdict, attempts},
    clock::{Clock, TooSlow},
    sample::LONG,
    transactions::TransactionalStore,
};

/// What an ending case is given: a store with transactions, a key, and the clock.
pub struct EndingTrial<T> {
    case: &'static str,
    clock: Clock,
    store: Arc<T>,
    key: String,
    idempotency: Idempotency,
}

impl<T: TransactionalStore> EndingTrial<T> {
    fn new(case: &'static str, clock: Clock, store: T) -> Self {
        let key = format!("{:032x}", rand::random::<u128>());
        Self {
            case,
            clock,
            key,
            idempotency: engine(store.store(), LONG),
            store: Arc::new(store),
        }
    }

    /// The same store under a key of its own.
    pub(crate) fn another_key(&self) -> Self {
        Self {
            case: self.case,
            clock: self.clock,
            store: Arc::clone(&self.store),
            key: format!("{:032x}", rand::random::<u128>()),
            idempotency: self.idempotency.clone(),
        }
    }

    pub(crate) fn store(&self) -> &Arc<T> {
        &self.store
    }

    pub(crate) const fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    /// Says that the case was not put to this store, where a test that passes says nothing.
    pub(crate) fn left_out(&self, why: &str) {
        // Not by a macro that prints, which a test's harness would keep to itself.
        let said = writeln!(io::stderr(), "left out: {}: {why}", self.case);
        drop(said);
    }

    /// How long something lasts that is to run out.
    pub(crate) const fn short(&self) -> Duration {
        self.clock.unit()
    }

    /// Waits until something short has run out.
    pub(crate) async fn lapse(&self) {
        self.clock.wait(self.short() + self.clock.grace()).await;
    }

    /// An effect of this trial's.
    pub(crate) fn effect(&self, name: &str) -> String {
        format!("{}-{name}", self.key)
    }

    /// How often this trial's effect was committed.
    pub(crate) async fn count(&self, name: &str) -> usize {
        self.store.count(&self.effect(name)).await
    }

    /// Begins a request under the key, in any process.
    pub(crate) async fn request(&self, idempotency: &Idempotency, term: LeaseTerm) -> Begin {
        match idempotency.admit(&Head(&self.key), None, || None) {
            Admission::Protected(protected) => idempotency.begin(protected.lease(term), b"").await,
            other => panic!("a request with a key is protected: {other:?}"),
        }
    }

    /// An execution that outlasts the test.
    pub(crate) async fn execution(&self) -> Execution {
        executes(self.request(&self.idempotency, LONG.into()).await)
    }

    /// An execution whose lease runs out, and is not renewed.
    pub(crate) async fn short_execution(&self) -> Result<Execution, TooSlow> {
        let term = LeaseTerm::fixed(self.short());
        match self.request(&self.idempotency, term).await {
            Begin::Execute(execution) => Ok(execution),
            // Its calls have little time, too.
            _ => Err(TooSlow),
        }
    }

    /// Begins, writes an effect, and hands over.
    pub(crate) async fn order(&self, current: &CurrentExecution, name: &str) {
        let transaction = self.begun(current, name).await;
        self.hand_over(transaction).await;
    }

    /// Begins, and writes an effect.
    pub(crate) async fn begun(&self, current: &CurrentExecution, name: &str) -> T::Transaction {
        let begun = self.store.begin(current).await;
        let mut transaction = begun.expect("a transaction can begin in an execution");
        self.store.write(&mut transaction, &self.effect(name)).await;
        transaction
    }

    pub(crate) async fn hand_over(&self, transaction: T::Transaction) {
        let handed_over = self.store.hand_over(transaction).await;
        handed_over.expect("a transaction can be handed over while its execution runs");
    }

    /// Executes a request that writes an effect, hands over and keeps its name.
    pub(crate) async fn succeed(&self, execution: Execution, name: &str) -> Result<(), Undone> {
        self.end(execution, name, keep(name)).await
    }

    /// Executes a request that writes an effect, hands over and ends like this.
    pub(crate) async fn end(
        &self,
        execution: Execution,
        name: &str,
        verdict: KeyVerdict,
    ) -> Result<(), Undone> {
        let current = execution.current().clone();
        let work = async {
            self.order(&current, name).await;
            (verdict, ())
        };
        execution.run(work).await
    }

    /// What a duplicate gets now, in a word; one that executes has the effect `again`.
    pub(crate) async fn retry(&self) -> String {
        match self.request(&self.idempotency, LONG.into()).await {
            Begin::Execute(execution) => match self.succeed(execution, "again").await {
                Ok(()) => "executed".to_owned(),
                Err(undone) => format!("{undone:?}"),
            },
            Begin::Replay(response) => String::from_utf8_lossy(&response.body()).into_owned(),
            Begin::Refused(refusal) => refusal.code().to_owned(),
            Begin::Unprotected => "unprotected".to_owned(),
        }
    }

    /// Nothing of an effect was committed, and the key is free.
    pub(crate) async fn was_undone(&self, name: &str) {
        assert_eq!(self.count(name).await, 0, "the effect was undone");
        assert_eq!(self.retry().await, "executed", "the key is free");
        assert_eq!(self.count(name).await, 0, "the effect stays undone");
        assert_eq!(self.count("again").await, 1);
    }

    /// An effect was committed once, and its response is replayed.
    pub(crate) async fn was_committed(&self, name: &str) {
        assert_eq!(self.count(name).await, 1, "the effect is there");
        assert_eq!(self.retry().await, name, "the record is there");
        assert_eq!(self.count(name).await, 1);
    }
}

/// A server process on a store.
pub(crate) fn engine(store: impl IdempotencyStore, retention: Duration) -> Idempotency {
    Idempotency::new(store, Policy::reference().lease(LONG).retention(retention))
}

pub(crate) fn executes(begin: Begin) -> Execution {
    match begin {
        Begin::Execute(execution) => execution,
        other => panic!("the key is free: {other:?}"),
    }
}

/// Keeps a response that says this.
pub(crate) fn keep(body: &str) -> KeyVerdict {
    let body = Bytes::copy_from_slice(body.as_bytes());
    KeyVerdict::Keep(Response::new(201, Headers::default(), body).into())
}

struct Head<'a>(&'a str);

impl RequestHead for Head<'_> {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/goats"
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        (name == "idempotency-key")
            .then_some(self.0.as_bytes())
            .into_iter()
    }
}

impl<T> fmt::Debug for EndingTrial<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndingTrial")
            .field("clock", &self.clock)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A rule about transactions that end executions, as a test.
pub struct EndingCase<T> {
    name: &'static str,
    check: EndingCheck<T>,
}

type EndingCheck<T> = for<'a> fn(&'a EndingTrial<T>) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>;

impl<T: TransactionalStore> EndingCase<T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, check: EndingCheck<T>) -> Self {
        Self { name, check }
    }

    /// Its name with its group, such as `lost::after_a_takeover_nothing_is_written`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Puts the case to a store, on a runtime of its own.
    ///
    /// # Panics
    /// If the store breaks the rule, or if the machine is too slow for every unit tried.
    pub fn run(&self, clock: Clock, store: impl AsyncFn() -> T) {
        attempts(clock, |clock| {
            clock.runtime().block_on(async {
                let trial = EndingTrial::new(self.name, clock, store().await);
                (self.check)(&trial).await
            })
        });
    }
}

impl<T> fmt::Debug for EndingCase<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndingCase").field(&self.name).finish()
    }
}
