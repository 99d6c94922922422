//! What a handler can know of its own execution.

use std::{
    fmt,
    future::Future,
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{
    contract::{Fenced, Operation, StoreError},
    digest::{Hasher, Hex},
    engine::Idempotency,
    events::Event,
    execution::TravellingLease,
    policy::{LONGEST, LeaseTerm},
    record::{Lease, RecordKey},
    request::{IdempotencyKey, RequestHead},
};

/// The execution that a handler runs in: its key, its lease, and keys for what it calls.
///
/// A handler that runs is never a replay. Whether an earlier execution of the same request crashed
/// half-way, nobody can know; [derived keys](Self::derived_key) make what it called safe to call
/// again.
#[derive(Clone)]
pub struct CurrentExecution(Arc<Inner>);

struct Inner {
    idempotency: Idempotency,
    key: IdempotencyKey,
    record_key: RecordKey,
    lease: Lease,
    /// What was asked for, of which the lease may be longer: what is to be refused at its end stays.
    term: LeaseTerm,
    state: Mutex<State>,
    /// Tells that a lease on its way has left, or that it has not.
    settled: Notify,
    /// Held for each renewal, so that one for a short time does not land after one for a long time.
    renewing: tokio::sync::Mutex<()>,
}

/// What is known here of the lease.
#[derive(Debug)]
struct State {
    phase: Phase,
    deadline: Instant,
    is_lost: bool,
}

/// Where the lease is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is the execution's own.
    Here,
    /// It is being sent: it is not touched, and may come back.
    Leaving,
    /// It has travelled: its end is another's.
    Left,
    /// The execution ends, or has ended: it travels no more.
    Ended,
}

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
    /// The store did not renew it; nothing was sent.
    #[error("the lease could not be renewed before it travels")]
    Store(#[source] StoreError),
    /// It could not be sent.
    #[error("the lease could not be sent")]
    Send(#[source] E),
}

impl CurrentExecution {
    pub(crate) fn new(
        idempotency: Idempotency,
        key: IdempotencyKey,
        record_key: RecordKey,
        lease: Lease,
        term: LeaseTerm,
        deadline: Instant,
    ) -> Self {
        Self(Arc::new(Inner {
            idempotency,
            key,
            record_key,
            lease,
            term,
            state: Mutex::new(State {
                phase: Phase::Here,
                deadline,
                is_lost: false,
            }),
            settled: Notify::new(),
            renewing: tokio::sync::Mutex::new(()),
        }))
    }

    /// The key that the client sent.
    #[must_use]
    pub fn key(&self) -> &IdempotencyKey {
        &self.0.key
    }

    /// The name of the record, which may be logged.
    #[must_use]
    pub fn record_key(&self) -> &RecordKey {
        &self.0.record_key
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the lease runs, as far as is known; renewals put it off while the handler runs.
    #[must_use]
    pub fn lease_deadline(&self) -> Instant {
        self.state().deadline
    }

    /// Whether the lease is known to be lost: another execution may be running.
    ///
    /// A handler that is about to do what cannot be undone may ask, and stop. The answer can be
    /// late, so it protects nothing by itself.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.state().is_lost
    }

    /// A key to pass on to a service that this execution calls: 64 hexadecimal digits, the same
    /// each time that this request is executed, and another for each `purpose`.
    ///
    /// It tells the service nothing of the client's key.
    #[must_use]
    pub fn derived_key(&self, purpose: &str) -> String {
        let mut hasher = Hasher::new("idem derived key 1");
        hasher.add(self.0.record_key.as_bytes());
        hasher.add(purpose.as_bytes());
        Hex(&hasher.finish()).to_string()
    }

    /// Sends the lease to another process, which [resumes](Idempotency::resume) it: what this handler
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
        let leaving = Leaving::begin(self)?;
        let duration = duration.max(self.lease().duration()).min(LONGEST);
        let renewed = self.renew(duration).await;
        self.report(&Event::Renewed(renewed.as_ref().copied()));
        match renewed {
            Ok(Fenced::Held) => {}
            Ok(Fenced::Lost) => {
                if self.lose() {
                    self.report(&Event::LeaseLost(Operation::Renew));
                }
                return Err(TravelError::Lost);
            }
            Err(error) => return Err(TravelError::Store(error)),
        }
        let sent = send(self.travelling_lease(duration)).await;
        let sent = sent.map_err(TravelError::Send)?;
        leaving.has_left()?;
        Ok(sent)
    }

    /// Whether the lease has travelled, or is about to: it is not to be touched here.
    pub(crate) fn has_travelled(&self) -> bool {
        matches!(self.state().phase, Phase::Leaving | Phase::Left)
    }

    /// Whether the lease has travelled: its end is another's.
    pub(crate) fn has_left(&self) -> bool {
        self.state().phase == Phase::Left
    }

    /// Marks the lease as travelled.
    pub(crate) fn leave(&self) {
        self.state().phase = Phase::Left;
    }

    /// Begins the execution's end, unless that is another's: then it answers `false`.
    ///
    /// A lease that is on its way is waited for, since only then it is known whose the end is: for as
    /// long as a lease of its own has, so that a drain ends.
    pub(crate) async fn begin_end(&self) -> bool {
        if self.state().phase == Phase::Leaving {
            // Boxed, for it is rare, and every request would have room for it.
            let _ = Box::pin(timeout(self.0.term.duration(), self.until_settled())).await;
        }
        let mut state = self.state();
        if state.phase == Phase::Left {
            return false;
        }
        state.phase = Phase::Ended;
        true
    }

    async fn until_settled(&self) {
        loop {
            let mut settled = pin!(self.0.settled.notified());
            // From here on nothing is missed.
            settled.as_mut().enable();
            if self.state().phase != Phase::Leaving {
                return;
            }
            settled.await;
        }
    }

    pub(crate) fn travelling_lease(&self, duration: Duration) -> TravellingLease {
        let lease = self.lease();
        let lease = Lease::of_owner(*lease.owner(), *lease.identity(), duration);
        TravellingLease::new(self.key().clone(), *self.record_key(), lease)
    }

    /// Renews the lease once, for its own length, unless it has travelled.
    pub(crate) async fn renew_unless_travelled(&self) -> Option<Result<Fenced, StoreError>> {
        let _alone = self.0.renewing.lock().await;
        // Asked only now: it may have waited for the renewal with which the lease travels.
        if self.has_travelled() {
            return None;
        }
        Some(self.send_renewal(self.lease().duration()).await)
    }

    /// Renews the lease once; one renewal at a time.
    pub(crate) async fn renew(&self, duration: Duration) -> Result<Fenced, StoreError> {
        let _alone = self.0.renewing.lock().await;
        self.send_renewal(duration).await
    }

    async fn send_renewal(&self, duration: Duration) -> Result<Fenced, StoreError> {
        let lease = self.lease();
        let lease = Lease::of_owner(*lease.owner(), *lease.identity(), duration);
        let sent = Instant::now();
        let calls = self.0.idempotency.calls();
        let timeout = self.call_timeout();
        let renewed = calls.renew(self.record_key(), &lease, timeout).await;
        if let Ok(Fenced::Held) = renewed {
            self.extend(sent + duration);
        }
        renewed
    }

    /// Whether a request is the one that this execution was claimed for, and not another that a handler made of it, with
    /// a key of its own.
    pub(crate) fn is_of(&self, head: &impl RequestHead) -> bool {
        let policy = self.0.idempotency.policy();
        let key = policy.keys().parse(head.header(policy.key_header()));
        key.is_ok_and(|key| key == self.0.key)
    }

    pub(crate) fn idempotency(&self) -> &Idempotency {
        &self.0.idempotency
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.0.lease
    }

    pub(crate) fn is_renewed(&self) -> bool {
        self.0.term.is_renewed()
    }

    /// How long one call to the store may take.
    pub(crate) fn call_timeout(&self) -> Duration {
        let policy = self.0.idempotency.policy();
        policy.call_timeout(self.0.term.duration())
    }

    pub(crate) fn report(&self, event: &Event<'_>) {
        let calls = self.0.idempotency.calls();
        calls.report(self.record_key(), event);
    }

    pub(crate) fn extend(&self, deadline: Instant) {
        self.state().deadline = deadline;
    }

    /// Marks the lease as lost; answers whether it was not before.
    pub(crate) fn lose(&self) -> bool {
        !mem::replace(&mut self.state().is_lost, true)
    }
}

/// A lease on its way; it is back when this is dropped, unless it has left.
struct Leaving<'a>(&'a CurrentExecution);

impl<'a> Leaving<'a> {
    fn begin<E>(current: &'a CurrentExecution) -> Result<Self, TravelError<E>> {
        let mut state = current.state();
        match state.phase {
            Phase::Here => state.phase = Phase::Leaving,
            Phase::Leaving | Phase::Left => return Err(TravelError::Travelled),
            Phase::Ended => return Err(TravelError::Ended),
        }
        Ok(Self(current))
    }

    /// The execution may have waited long enough meanwhile, and ended.
    fn has_left<E>(self) -> Result<(), TravelError<E>> {
        let mut state = self.0.state();
        if state.phase == Phase::Ended {
            return Err(TravelError::Ended);
        }
        state.phase = Phase::Left;
        Ok(())
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if state.phase == Phase::Leaving {
            state.phase = Phase::Here;
        }
        drop(state);
        self.0.0.settled.notify_waiters();
    }
}

impl fmt::Debug for CurrentExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentExecution")
            .field("record_key", &self.0.record_key)
            .field("lease_deadline", &self.lease_deadline())
            .field("lost", &self.is_lost())
            .finish()
    }
}
