//! What a handler can know of its own execution.

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
/// A handler that runs is never a replay. Whether an earlier execution of the same request crashed
/// half-way, nobody can know; [derived keys](Self::derived_key) make what it called safe to call
/// again.
#[derive(Clone)]
pub struct CurrentExecution(KeyedRequest);

/// Why a lease did not travel. It is where it was, and so is the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TravelError<E> {
    /// It is somebody else's by now, or ran out; nothing was sent.
    #[error("the lease was lost before it could travel")]
    Lost,
    /// It is on its way already, or was sent; it travels once.
    #[error("the lease has travelled already")]
    Travelled,
    /// Its execution has ended by what the handler answered. What was sent, if anything was, comes to a
    /// lease that is lost.
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

    /// How long the lease still runs, as far as is known; renewals put its end off while the handler runs.
    #[must_use]
    pub fn lease_remaining(&self) -> Duration {
        let deadline = self.0.state().deadline();
        deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the lease is known to be lost: another execution may be running.
    ///
    /// A handler that is about to do what cannot be undone may ask, and stop. The answer can be
    /// late, so it protects nothing by itself.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.state().is_lost()
    }

    /// A key to pass on to a service that this execution calls: 64 hexadecimal digits, the same
    /// each time that this request is executed, and another for each `purpose`.
    ///
    /// It tells the service nothing of the client's key.
    #[must_use]
    pub fn derived_key(&self, purpose: &str) -> String {
        let mut hasher = Hasher::new("idem derived key 1");
        hasher.add(self.record_key().as_bytes());
        hasher.add(purpose.as_bytes());
        Hex(&hasher.finish()).to_string()
    }

    /// Sends the lease to another process, which [resumes](crate::Idempotency::resume) it: what this handler
    /// returns then goes to its client, and is neither recorded nor frees the key. Duplicates are told
    /// "in progress" until the other process completes, and then get what that recorded.
    ///
    /// The lease is renewed first, for `duration` or its own length if that is longer: as long as the
    /// message may take to be done with, all its deliveries included, and 100 years at most. The other process renews it
    /// for as long again. If it runs out, somebody else may take over, and who comes later is told that
    /// it is lost. Then `send` is called with the lease, **a [secret](TravellingLease)**: it puts it into a
    /// queue, say, and what it gives is given back. 1 round trip, and those of `send`.
    ///
    /// A lease has left when `send` has said so. From then on it is not touched here, whether the
    /// handler fails, panics or returns. Until then it is this handler's, whose failure frees the
    /// key as ever: a message that was sent in spite of an error comes to a lease that is lost.
    ///
    /// A handler that answers while its lease is on its way, sent by a task of its own, is waited for: its
    /// response leaves once `send` has ended, and if that failed, what the handler answered is recorded or
    /// frees the key. After the length of the lease that happens without waiting any longer.
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

    /// Whether a request is the one that this execution was claimed for, and not another that a handler made of it, with
    /// a key of its own.
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
