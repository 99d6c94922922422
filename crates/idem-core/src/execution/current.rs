//! What a handler can know about its own execution.

use std::{fmt, future::Future, time::Duration};

use tokio::time::Instant;

use crate::{
    contract::{Fenced, Operation, StoreError},
    digest::{Hasher, Hex},
    events::Event,
    execution::{
        KeyedRequest, TravellingLease,
        lease::{LeaseState, Stays},
    },
    policy::LONGEST,
    record::RecordKey,
    request::{IdempotencyKey, RequestHead},
};

/// The execution that a handler runs in: its key, its lease, and keys for what it calls.
///
/// A running handler is never a replay. It cannot know whether an earlier execution of the same request crashed
/// half-way; [derived keys](Self::derived_key) make its calls safe to repeat.
#[derive(Clone)]
pub struct CurrentExecution(KeyedRequest);

/// Why a lease did not travel. The lease and the key stay where they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TravelError<E> {
    /// It belongs to another execution by now, or ran out; nothing was sent.
    #[error("the lease was lost before it could travel")]
    Lost,
    /// It is already on its way, or was sent; it travels once.
    #[error("the lease has travelled already")]
    Travelled,
    /// Its execution has already ended with the handler's answer. A message that was sent anyway finds its
    /// lease lost.
    #[error("the execution ended before the lease had travelled")]
    Ended,
    /// A transaction was begun in the execution, which ends it here; nothing was sent.
    #[error("the lease cannot travel: a transaction was begun in its execution, and ends it here")]
    Enlisted,
    /// The store did not renew it; nothing was sent.
    #[error("the lease could not be renewed before it travels")]
    Store(#[source] StoreError),
    /// It could not be sent.
    #[error("the lease could not be sent")]
    Send(#[source] E),
}

impl CurrentExecution {
    pub(crate) const fn new(request: KeyedRequest) -> Self {
        Self(request)
    }

    pub(crate) const fn request(&self) -> &KeyedRequest {
        &self.0
    }

    /// The key that the client sent.
    #[must_use]
    pub fn key(&self) -> &IdempotencyKey {
        self.0.key()
    }

    /// The name of the record, which may be logged.
    #[must_use]
    pub fn record_key(&self) -> &RecordKey {
        self.0.record_key()
    }

    /// How long the lease still runs, as far as is known; renewals extend it while the handler runs.
    #[must_use]
    pub fn lease_remaining(&self) -> Duration {
        let deadline = self.0.state().deadline();
        deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the lease is known to be lost: another execution may be running.
    ///
    /// A handler can ask before it does something that cannot be undone, and stop. The answer can be late, so
    /// it is no protection by itself.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.state().is_lost()
    }

    /// A key to pass on to a service that this execution calls: 64 hexadecimal digits, the same each time that
    /// this request is executed, by any release of this library, and different for each `purpose`.
    ///
    /// It reveals nothing about the client's key.
    #[must_use]
    pub fn derived_key(&self, purpose: &str) -> String {
        let mut hasher = Hasher::new("idem derived key 2");
        hasher.add(self.record_key().as_bytes());
        hasher.add(purpose.as_bytes());
        Hex(&hasher.finish()).to_string()
    }

    /// Sends the lease to another process, which [resumes](crate::Idempotency::resume) it. This handler's
    /// response then goes to its client, but is not recorded and does not free the key. Duplicates get "in
    /// progress" until the other process completes, and then the response that it recorded.
    ///
    /// The lease is renewed first, for `duration`, or for its own length if that is longer. Choose as long as
    /// the message may take to be processed, including all its deliveries; 100 years at most. The other process
    /// renews it for the same time. If it runs out, another execution may take over, and the late process finds
    /// the lease lost. Then `send` is called with the lease, **a [secret](TravellingLease)**, to put it into a
    /// queue, for example. Its value is returned. 1 round trip, and those of `send`.
    ///
    /// The lease leaves the handler once `send` succeeds. From then on it is not touched here, even if the
    /// handler fails or panics. Until then it belongs to this handler, whose failure frees the key as usual: a
    /// message that was sent in spite of an error then finds its lease lost.
    ///
    /// If another task sends the lease and the handler answers meanwhile, the response waits until `send` has
    /// ended, for the length of the lease at most. If `send` failed, the handler's answer is recorded or frees
    /// the key.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use idem_core::{CurrentExecution, TravelError, TravellingLease};
    /// # struct Queue;
    /// # impl Queue {
    /// #     async fn push(&self, _: String) -> Result<(), std::io::Error> { Ok(()) }
    /// # }
    /// # async fn handler(current: CurrentExecution, queue: Queue)
    /// # -> Result<(), TravelError<std::io::Error>> {
    /// const HOUR: Duration = Duration::from_secs(3600);
    /// let send = async |lease: TravellingLease| queue.push(lease.to_text()).await;
    /// current.travel(HOUR, send).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`TravelError`]. The lease did not travel, and the execution goes on as before.
    ///
    /// # Cancel safety
    /// As an error of `send`: if it is dropped, the lease has not left.
    pub async fn travel<T, E, F>(
        &self,
        duration: Duration,
        send: impl FnOnce(TravellingLease) -> F,
    ) -> Result<T, TravelError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let request = &self.0;
        let leaving = Leaving::begin(request.state())?;
        let duration = duration.max(request.lease().duration()).min(LONGEST);
        let renewed = request.renew(duration).await;
        request.report(&Event::Renewed(renewed.as_ref().copied()));
        match renewed {
            Ok(Fenced::Held) => {}
            Ok(Fenced::Lost) => {
                request.lose(Operation::Renew);
                return Err(TravelError::Lost);
            }
            Err(error) => return Err(TravelError::Store(error)),
        }
        let sent = send(self.travelling_lease(duration)).await;
        let sent = sent.map_err(TravelError::Send)?;
        leaving.has_left()?;
        Ok(sent)
    }

    pub(super) fn travelling_lease(&self, duration: Duration) -> TravellingLease {
        let lease = self.0.lease().lasting(duration);
        TravellingLease::new(self.key().clone(), *self.record_key(), lease)
    }

    /// Whether this execution was claimed for this request, and not for another one that a handler derived from
    /// it, with a key of its own.
    pub(crate) fn is_of(&self, head: &impl RequestHead) -> bool {
        let policy = &self.0.calls().policy;
        let key = policy.key_format.parse(head.header(&policy.header));
        key.is_ok_and(|key| key == *self.key())
    }
}

/// A lease on its way; it is back when this is dropped, unless it has left.
struct Leaving<'a>(&'a LeaseState);

impl<'a> Leaving<'a> {
    fn begin<E>(lease: &'a LeaseState) -> Result<Self, TravelError<E>> {
        lease.leave()?;
        Ok(Self(lease))
    }

    /// The execution may have waited long enough meanwhile, and ended.
    fn has_left<E>(self) -> Result<(), TravelError<E>> {
        Ok(self.0.left()?)
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.came_back();
    }
}

impl<E> From<Stays> for TravelError<E> {
    fn from(stays: Stays) -> Self {
        match stays {
            Stays::Enlisted => Self::Enlisted,
            Stays::Travelled => Self::Travelled,
            Stays::Ended => Self::Ended,
        }
    }
}

impl fmt::Debug for CurrentExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentExecution")
            .field("record_key", self.record_key())
            .field("lease_remaining", &self.lease_remaining())
            .field("lost", &self.is_lost())
            .finish()
    }
}
