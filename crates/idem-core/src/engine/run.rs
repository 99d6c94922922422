//! Idempotency outside HTTP: for a queue's consumer, a job, a command.

use std::{
    error::Error,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    engine::{Begin, Claimable, Idempotency},
    execution::{CurrentExecution, Execution, HandOver, KeyedRequest, Ran, Undone, Verdict},
    policy::{Refusal, ResponseRules},
    record::{Identity, NotKept},
    request::{IdempotencyKey, Scope},
};

mod exact;

use exact::is_exact;

/// The result of an operation.
///
/// The enum is complete: either this call executed it, or an earlier one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done<T> {
    /// This call executed the operation.
    Executed(T),
    /// An earlier call did; this is its value.
    Replayed(T),
}

impl<T> Done<T> {
    /// The value, no matter which execution computed it.
    pub fn into_value(self) -> T {
        match self {
            Self::Executed(value) | Self::Replayed(value) => value,
        }
    }

    /// Whether an earlier call computed the value.
    pub const fn is_replay(&self) -> bool {
        matches!(self, Self::Replayed(_))
    }
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError<E> {
    /// The operation ran and failed; the key is free again.
    #[error("the operation failed")]
    Failed(#[source] E),
    /// The operation did not run: the key came with another payload, the original is still running,
    /// or the store could not be asked.
    #[error("the operation was refused: {}", .0.code())]
    Refused(Refusal),
    /// The operation ran, and its transaction did not commit, so nothing was done. If that is not
    /// [known](Undone::Unknown), call again with the same key to find out.
    #[error("the operation's transaction did not commit")]
    Undone(Undone),
    /// The payload cannot be written as JSON, so it has no fingerprint; nothing ran.
    #[error("the payload cannot be serialised")]
    Payload(#[source] Box<dyn Error + Send + Sync>),
    /// An earlier call's value cannot be read as this type; nothing ran.
    #[error("the recorded value cannot be deserialised")]
    Replay(#[source] Box<dyn Error + Send + Sync>),
}

impl<E: Into<Box<dyn Error + Send + Sync>>> RunError<E> {
    /// The same with an error that implements `Error`, for `?`. The failure of an operation need not:
    /// `anyhow::Error` and `String` do not.
    ///
    /// ```
    /// # use idem_core::{Idempotency, IdempotencyKey, MemoryStore, Policy};
    /// use anyhow::Context;
    /// use idem_core::RunError;
    ///
    /// async fn ship() -> anyhow::Result<String> {
    ///     std::fs::read_to_string("/no/such/shelf").context("the shelf is empty")
    /// }
    ///
    /// async fn consume(idempotency: &Idempotency, key: &IdempotencyKey) -> anyhow::Result<String> {
    ///     let shipped = idempotency.run(key, "order-9", ship).await;
    ///     Ok(shipped.map_err(RunError::boxed)?.into_value())
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> anyhow::Result<()> {
    /// # let idempotency = Idempotency::new(MemoryStore::new(), Policy::default());
    /// # let key = IdempotencyKey::new("message-17")?;
    /// let failed = consume(&idempotency, &key).await.unwrap_err();
    /// let causes: Vec<_> = failed.chain().map(ToString::to_string).collect();
    /// assert_eq!(causes[..2], ["the operation failed", "the shelf is empty"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn boxed(self) -> RunError<OperationError> {
        match self {
            Self::Failed(error) => RunError::Failed(OperationError(error.into())),
            Self::Refused(refusal) => RunError::Refused(refusal),
            Self::Undone(undone) => RunError::Undone(undone),
            Self::Payload(error) => RunError::Payload(error),
            Self::Replay(error) => RunError::Replay(error),
        }
    }
}

/// The failure of an operation, of any type; it has that error's own message and causes.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OperationError(Box<dyn Error + Send + Sync>);

impl OperationError {
    /// The original error, for example to downcast it.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl Idempotency {
    /// Executes an operation once for a key, and returns its value, or an earlier call's.
    ///
    /// It gives the same guarantees as the HTTP adapters: concurrent calls execute once, the lease is renewed,
    /// and a failure or a panic frees the key. Dropping the call while the operation runs does not cancel it:
    /// it goes on in a task, which is why it must be `'static`.
    ///
    /// The value is kept as JSON, and comes back as it was. One that JSON would change, or that cannot be read
    /// back, is not kept: numbers that are not finite, `Some(None)` and `Some(())`, maps whose keys are neither
    /// text nor numbers, more than 127 levels. The operation is then done, and later calls get
    /// [`NotKept`](Refusal::NotKept). Fields that `serde` attributes leave out come back as those attributes
    /// define.
    ///
    /// `payload` says what is asked for: the same key with another payload is refused. The key is
    /// unique in the policy's namespace; [`run_in`](Self::run_in) takes a scope too. 2 round trips
    /// when the operation runs, at most 2 otherwise.
    ///
    /// ```
    /// use idem_core::{Done, Idempotency, IdempotencyKey, MemoryStore, Policy, RunError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let idempotency = Idempotency::new(MemoryStore::new(), Policy::default());
    /// let key = IdempotencyKey::new("message-17")?;
    /// for replayed in [false, true] {
    ///     let ship = || async { Ok::<_, std::io::Error>("parcel-4".to_owned()) };
    ///     let shipped = idempotency.run(&key, &("order-9", 2), ship).await?;
    ///     assert_eq!(shipped.is_replay(), replayed);
    ///     assert_eq!(shipped.into_value(), "parcel-4");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`RunError`]. Only [`RunError::Failed`] means that the operation ran.
    ///
    /// # Cancel safety
    /// Safe: an operation that has begun runs to its end and is recorded; call again with the same
    /// key for its value.
    pub async fn run<T, E, P, F>(
        &self,
        key: &IdempotencyKey,
        payload: &P,
        operation: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Done<T>, RunError<E>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Send + 'static,
        P: Serialize + ?Sized,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.run_in(None, key, payload, operation).await
    }

    /// As [`run`](Self::run), with a key that is unique in a scope.
    ///
    /// # Errors
    /// As those of `run`.
    ///
    /// # Cancel safety
    /// As that of `run`.
    pub async fn run_in<'s, T, E, P, F>(
        &self,
        scope: impl Into<Option<&'s Scope>>,
        key: &IdempotencyKey,
        payload: &P,
        operation: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Done<T>, RunError<E>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Send + 'static,
        P: Serialize + ?Sized,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let claimable = self.claimable(scope.into(), key, payload)?;
        self.run_claimable(claimable, |_| operation()).await
    }

    /// Like [`run`](Self::run), for an operation that needs its execution: to begin a transaction that is
    /// committed together with the record, to derive keys, or to ask whether its lease is lost.
    ///
    /// It gets `None` only if the policy lets operations [run
    /// unprotected](crate::OnStoreFailure::RunUnprotected) while the store fails.
    ///
    /// # Errors
    /// As those of `run`, and [`RunError::Undone`] if a transaction was handed over and did not commit.
    ///
    /// # Cancel safety
    /// As that of `run`.
    pub async fn run_with<T, E, P, F>(
        &self,
        key: &IdempotencyKey,
        payload: &P,
        operation: impl FnOnce(Option<CurrentExecution>) -> F + Send + 'static,
    ) -> Result<Done<T>, RunError<E>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Send + 'static,
        P: Serialize + ?Sized,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let claimable = self.claimable(None, key, payload)?;
        self.run_claimable(claimable, operation).await
    }

    /// As [`run_with`](Self::run_with), for an operation whose transaction may fail because of others that
    /// run at the same time: a serialization failure or a deadlock. It then runs again under the same lease,
    /// at most three times in all, a failed COMMIT included.
    ///
    /// `can_retry` recognizes such a failure if the operation itself returns it. A transaction that was handed
    /// over reports it by [`RolledBack::for_now`](crate::store::RolledBack::for_now). Nothing runs again once a
    /// COMMIT may have landed.
    ///
    /// # Errors
    /// As those of `run_with`; a failure that is still there after the third time is handed back.
    ///
    /// # Cancel safety
    /// As that of `run`.
    pub async fn run_transaction<T, E, P, F>(
        &self,
        key: &IdempotencyKey,
        payload: &P,
        can_retry: impl Fn(&E) -> bool + Send + Sync + 'static,
        mut operation: impl FnMut(Option<CurrentExecution>) -> F + Send + 'static,
    ) -> Result<Done<T>, RunError<E>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Send + 'static,
        P: Serialize + ?Sized,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let claimable = self.claimable(None, key, payload)?;
        let idempotency = self.clone();
        let watch = claimable.watch();
        let running = Box::pin(async move {
            match idempotency.begin_with(&claimable).await {
                Begin::Execute(mut execution) => {
                    let rules = execution.response_rules();
                    let current = execution.current().clone();
                    let work = || {
                        let running = operation(Some(current.clone()));
                        let (rules, can_retry) = (&rules, &can_retry);
                        async move {
                            let (verdict, result) = judge(rules, running.await);
                            let again = match &result {
                                Err(RunError::Failed(error)) => can_retry(error),
                                _ => false,
                            };
                            (again, verdict, result)
                        }
                    };
                    value(execution.run_again(work).await)
                }
                begin => answer(begin, operation).await,
            }
        });
        HandOver::new(running, watch).await
    }

    fn claimable<P: Serialize + ?Sized, E>(
        &self,
        scope: Option<&Scope>,
        key: &IdempotencyKey,
        payload: &P,
    ) -> Result<Claimable, RunError<E>> {
        let record_key = self.record_key(scope, key);
        let payload =
            serde_json::to_vec(payload).map_err(|error| RunError::Payload(error.into()))?;
        let identity = Identity::new(self.policy().fingerprint.of_payload(&payload));
        let calls = Arc::clone(&self.calls);
        let request = KeyedRequest::new(calls, key.clone(), record_key, || None);
        Ok(Claimable::new(request, identity, None, self.lease()))
    }

    async fn run_claimable<T, E, F>(
        &self,
        claimable: Claimable,
        operation: impl FnOnce(Option<CurrentExecution>) -> F + Send + 'static,
    ) -> Result<Done<T>, RunError<E>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let idempotency = self.clone();
        let watch = claimable.watch();
        let running = Box::pin(async move {
            let begin = idempotency.begin_with(&claimable).await;
            answer(begin, operation).await
        });
        HandOver::new(running, watch).await
    }
}

async fn answer<T, E, F>(
    begin: Begin,
    operation: impl FnOnce(Option<CurrentExecution>) -> F,
) -> Result<Done<T>, RunError<E>>
where
    T: Serialize + DeserializeOwned,
    F: Future<Output = Result<T, E>>,
{
    match begin {
        Begin::Execute(execution) => execute(execution, operation).await,
        Begin::Unprotected => operation(None)
            .await
            .map(Done::Executed)
            .map_err(RunError::Failed),
        Begin::Replay(response) => serde_json::from_slice(response.body_bytes())
            .map(Done::Replayed)
            .map_err(|error| RunError::Replay(error.into())),
        Begin::Refused(refusal) => Err(RunError::Refused(refusal)),
    }
}

async fn execute<T, E, F>(
    mut execution: Execution,
    operation: impl FnOnce(Option<CurrentExecution>) -> F,
) -> Result<Done<T>, RunError<E>>
where
    T: Serialize + DeserializeOwned,
    F: Future<Output = Result<T, E>>,
{
    let rules = execution.response_rules();
    let current = execution.current().clone();
    // Called in here, so that a panic of the closure itself frees the key too.
    let work = async { judge(&rules, operation(Some(current)).await) };
    value(execution.run_pinned(pin!(work)).await)
}

type Ended<T, E> = Result<Done<T>, RunError<E>>;

/// What becomes of the key after an operation, and what its caller gets.
fn judge<T, E>(rules: &ResponseRules, ended: Result<T, E>) -> (Verdict, Ended<T, E>)
where
    T: Serialize + DeserializeOwned,
{
    match ended {
        Ok(value) => {
            // What was done must be remembered, even if its value cannot be.
            let outcome = match as_it_was(&value) {
                Some(json) => rules.outcome(200, std::iter::empty, &json),
                None => NotKept::NotSerializable.into(),
            };
            (Verdict::Keep(outcome), Ok(Done::Executed(value)))
        }
        Err(error) => (Verdict::Free, Err(RunError::Failed(error))),
    }
}

fn value<T, E>(ran: Ran<Ended<T, E>>) -> Ended<T, E> {
    ran.into_result()
        .unwrap_or_else(|undone| Err(RunError::Undone(undone)))
}

/// A value as JSON, if that gives it back as it was.
fn as_it_was<T: Serialize + DeserializeOwned>(value: &T) -> Option<Bytes> {
    let json = || {
        let json = is_exact(value).then(|| serde_json::to_vec(value).ok())??;
        serde_json::from_slice::<T>(&json).ok()?;
        Some(json.into())
    };
    // A type's own code that panics in here must not free the key of what was done.
    catch_unwind(AssertUnwindSafe(json)).unwrap_or(None)
}
