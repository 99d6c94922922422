//! Calls to the store: each has a timeout, and each is reported as an event.

use std::{
    future::{Future, poll_fn, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use crate::{
    contract::{
        Claim, Completion, Fenced, IdempotencyStore, Operation, Recall, StoreError, StoreErrorKind,
        WriteEffect,
    },
    events::{Event, report, shielded, times_store_calls},
    policy::{Policy, ResponseRules},
    record::{Lease, Outcome, RecordKey, Response, Stored},
    request::{Counted, RequestTag, grpc},
};

mod counters;
mod waiters;

pub(crate) use counters::{Counters, Place, Waiting};
pub(crate) use waiters::{Member, Turn};

/// A store under a policy, as executions call it, and a count of those.
///
/// Its methods return the store's future instead of awaiting it: an `async fn` would have room for
/// each argument twice.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    pub(crate) store: Arc<dyn IdempotencyStore>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) counted: Arc<Counted>,
    pub(crate) counters: Counters,
    pub(crate) grpc: Arc<grpc::PassThrough>,
}

impl Calls {
    pub(crate) fn new(store: Arc<dyn IdempotencyStore>, policy: Policy) -> Self {
        Self {
            store,
            counted: Arc::new(counted(&policy)),
            policy: Arc::new(policy),
            counters: Counters::default(),
            grpc: Arc::default(),
        }
    }

    /// The same store and the same counters under another policy.
    pub(crate) fn with_policy(&self, policy: Policy) -> Self {
        Self {
            counted: Arc::new(counted(&policy)),
            policy: Arc::new(policy),
            grpc: Arc::default(),
            ..self.clone()
        }
    }

    /// The policy's rules about responses, within what the store takes.
    pub(crate) fn response_rules(&self) -> ResponseRules {
        let capacity = shielded(|| self.store.capacity()).unwrap_or_default();
        ResponseRules::new(Arc::clone(&self.policy), capacity)
    }

    pub(crate) fn report(&self, key: &RecordKey, event: &Event<'_>) {
        report(self.policy.observed_by(), key, event);
    }

    /// What the store recalls by, if it does.
    fn recalls(&self) -> Option<&dyn Recall> {
        shielded(|| self.store.recalls()).flatten()
    }

    /// Whether it is worth making tags.
    pub(crate) fn can_recall(&self) -> bool {
        self.recalls().is_some()
    }

    /// The response to a request that is known by its tag: it stands for a claim, and is told as one.
    pub(crate) fn recall(&self, key: &RecordKey, tag: &RequestTag) -> Option<Arc<Response>> {
        let started = times_store_calls(self.policy.observed_by()).then(Instant::now);
        let recalls = self.recalls()?;
        let response = shielded(|| recalls.recall(key, tag)).flatten()?;
        if let Some(started) = started {
            let event = Event::StoreCalled {
                operation: Operation::Claim,
                elapsed: started.elapsed(),
                error: None,
            };
            self.report(key, &event);
        }
        Some(response)
    }

    /// Tells the store of a record that a transaction has committed.
    pub(crate) fn committed(&self, completion: &Completion<'_>, until: Instant) {
        if let Some(recalls) = self.recalls() {
            shielded(|| recalls.committed(completion, until));
        }
    }

    /// Claims at a time that is known already.
    pub(crate) fn claim<'a>(
        &'a self,
        key: &'a RecordKey,
        lease: &'a Lease,
        now: Instant,
        timeout: Duration,
    ) -> impl Future<Output = Result<Claim, StoreError>> {
        let call = async move { self.store.as_ref().claim(key, lease).await };
        self.bounded_from(Some(now), timeout, Operation::Claim, key, call)
    }

    pub(crate) fn renew<'a>(
        &'a self,
        key: &'a RecordKey,
        lease: &'a Lease,
        timeout: Duration,
    ) -> impl Future<Output = Result<Fenced, StoreError>> {
        let call = called(Operation::Renew, || self.store.as_ref().renew(key, lease));
        self.bounded(timeout, Operation::Renew, key, call)
    }

    pub(crate) fn complete<'a>(
        &'a self,
        key: &'a RecordKey,
        lease: &'a Lease,
        outcome: &'a Outcome,
        retention: Duration,
        timeout: Duration,
    ) -> impl Future<Output = Result<Fenced, StoreError>> {
        let call = called(Operation::Complete, || {
            self.store.as_ref().complete(key, lease, outcome, retention)
        });
        self.bounded(timeout, Operation::Complete, key, call)
    }

    pub(crate) fn release<'a>(
        &'a self,
        key: &'a RecordKey,
        lease: &'a Lease,
        timeout: Duration,
    ) -> impl Future<Output = Result<Fenced, StoreError>> {
        let call = called(Operation::Release, || {
            self.store.as_ref().release(key, lease)
        });
        self.bounded(timeout, Operation::Release, key, call)
    }

    pub(crate) fn look_up<'a>(
        &'a self,
        key: &'a RecordKey,
        timeout: Duration,
    ) -> impl Future<Output = Result<Option<Stored>, StoreError>> {
        let call = called(Operation::LookUp, || self.store.as_ref().look_up(key));
        self.bounded(timeout, Operation::LookUp, key, call)
    }

    fn bounded<T>(
        &self,
        timeout: Duration,
        operation: Operation,
        key: &RecordKey,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        self.bounded_from(None, timeout, operation, key, call)
    }

    async fn bounded_from<T>(
        &self,
        started: Option<Instant>,
        timeout: Duration,
        operation: Operation,
        key: &RecordKey,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let is_timed = times_store_calls(self.policy.observed_by());
        let mut started = started.or_else(|| is_timed.then(Instant::now));
        let mut call = pin!(caught(operation, call));
        // A store that answers at once, as one in memory does, sets no timer, and needs no clock.
        let answer = match poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await {
            Poll::Ready(result) => Ok(result),
            Poll::Pending => {
                let deadline = *started.get_or_insert_with(Instant::now) + timeout;
                // Boxed, so that futures have no room for a timer that few of them set.
                Box::pin(timeout_at(deadline, call)).await
            }
        };
        let result = match answer {
            Ok(result) => result,
            // What was sent may still land.
            Err(elapsed) => {
                Err(
                    StoreError::new(operation, StoreErrorKind::Timeout, WriteEffect::Unknown)
                        .with_source(elapsed),
                )
            }
        };
        let error = result.as_ref().err();
        if error.is_some() || is_timed {
            let event = Event::StoreCalled {
                operation,
                elapsed: started.map_or(Duration::ZERO, |started| started.elapsed()),
                error,
            };
            self.report(key, &event);
        }
        result
    }
}

fn counted(policy: &Policy) -> Counted {
    Counted::new(&policy.fingerprint, &policy.credential_headers)
}

/// What a call of a store's method gives.
type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Calls a store's method, which may panic before it has a future.
fn called<'a, T: Send + 'a>(
    operation: Operation,
    call: impl FnOnce() -> Call<'a, T>,
) -> Call<'a, T> {
    shielded(call).unwrap_or_else(|| Box::pin(ready(Err(panicked(operation)))))
}

fn panicked(operation: Operation) -> StoreError {
    let effect = match operation {
        Operation::LookUp => WriteEffect::None,
        _ => WriteEffect::Unknown,
    };
    StoreError::new(operation, StoreErrorKind::Unavailable, effect)
        .with_source("the store panicked")
}

/// A store that panics is one that failed, and nobody knows how far it came.
pub(crate) async fn caught<T>(
    operation: Operation,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut call = pin!(call);
    // A call that panicked is not polled again.
    poll_fn(|context| {
        shielded(|| call.as_mut().poll(context))
            .unwrap_or_else(|| Poll::Ready(Err(panicked(operation))))
    })
    .await
}
