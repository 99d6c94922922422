//! The life of a lease, from the owned claim to its end: renewed while the handler runs, and then
//! completed or released, once.

use std::{
    any::Any,
    future::{Future, pending, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::{
    calls::Calls,
    contract::{Fenced, Operation, StoreError, StoreErrorKind},
    events::{End, Event},
    policy::ResponseRules,
    record::{Lease, NotKept, Outcome, RecordKey},
};

mod current;
mod hand_over;
mod travelling_lease;

pub use current::{CurrentExecution, TravelError};
pub use hand_over::{HandOver, Watch};
pub use travelling_lease::{InvalidLease, TravellingLease};

/// How often the end of an execution is sent at most.
const ATTEMPTS: u32 = 4;

/// The pause after the first attempt that failed; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The right to run a handler: a lease that was claimed.
///
/// One that is dropped instead of [run](Self::run) leaves its key pending until the lease runs
/// out.
#[derive(Debug)]
#[must_use]
pub struct Execution {
    current: CurrentExecution,
    /// Lets a drain wait for it.
    _under_way: TaskTrackerToken,
    /// What the store said to its end.
    ended: Option<Result<Fenced, StoreError>>,
}

/// What is to become of the key.
///
/// The enum is complete: something is remembered, or nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Remember what came of it, for as long as the policy retains. A response that is
    /// [no result](crate::Policy::save_when) frees the key all the same.
    Keep(Outcome),
    /// Free the key: the handler failed, and the client may try again, also with another payload.
    Free,
}

type Panic = Box<dyn Any + Send>;

impl Execution {
    pub(crate) const fn new(current: CurrentExecution, under_way: TaskTrackerToken) -> Self {
        Self {
            current,
            _under_way: under_way,
            ended: None,
        }
    }

    /// What the handler may know.
    #[must_use]
    pub const fn current(&self) -> &CurrentExecution {
        &self.current
    }

    /// What is recorded of a response, and whether.
    #[must_use]
    pub fn response_rules(&self) -> ResponseRules {
        ResponseRules::new(self.current.idempotency())
    }

    /// Ends the execution here without an end: its lease travels to another process, which
    /// [resumes](crate::Idempotency::resume) it. No round trip: what remains of the lease is what remained.
    ///
    /// A [drain](crate::Idempotency::drain) no longer waits for it. A handler that
    /// runs under this has [`CurrentExecution::travel`], which renews the lease for the way.
    #[must_use]
    pub fn travel(self) -> TravellingLease {
        self.current.leave();
        self.current.travelling_lease(self.lease().duration())
    }

    /// Runs the handler's work to its end, and records its verdict before it hands its result back.
    ///
    /// While the work runs the lease is renewed each third of it, in the same task, unless its term is
    /// [fixed](crate::LeaseTerm::fixed). The end takes 1
    /// round trip; while the store fails it is tried up to four times within the lease, and if it
    /// fails for good that is [reported](Event::Unrecorded) and the result is handed back all the
    /// same. Work that panics frees the key, and goes on unwinding.
    ///
    /// Work that is ready at once sets no timer, and nothing here asks the work to be `Send`.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, it drops the work, and the key stays taken until the lease runs
    /// out. Put it into a [`HandOver`](crate::adapter::HandOver).
    pub async fn run<R>(mut self, work: impl Future<Output = (Verdict, R)>) -> R {
        let work = pin!(work);
        self.run_pinned(work).await
    }

    /// As `run`, and only once. Execution and work stay where they are: they are large, and would
    /// stand in each of the futures around them if those took them by value.
    pub(crate) async fn run_pinned<R>(
        &mut self,
        work: Pin<&mut impl Future<Output = (Verdict, R)>>,
    ) -> R {
        let worked = self.work_under_renewal(work).await;
        if !self.current.begin_end().await {
            return match worked {
                Ok((_, result)) => result,
                Err(panic) => resume_unwind(panic),
            };
        }
        match worked {
            Ok((verdict, result)) => {
                self.end(verdict).await;
                result
            }
            Err(panic) => {
                let released = self.release(End::Panicked).await;
                self.ended = Some(released);
                resume_unwind(panic)
            }
        }
    }

    /// Sends the end to the store, and keeps what it said.
    pub(crate) async fn end(&mut self, verdict: Verdict) {
        let kept = match verdict {
            Verdict::Keep(outcome) => self.response_rules().admit(outcome),
            Verdict::Free => None,
        };
        let ended = match kept {
            Some(mut outcome) => self.complete(&mut outcome).await,
            None => self.release(End::Freed).await,
        };
        self.ended = Some(ended);
    }

    /// What the store said to the end; `None` if the lease has travelled.
    pub(crate) fn into_ended(mut self) -> Option<Result<Fenced, StoreError>> {
        match &mut self.ended {
            // The execution is dropped with an end.
            Some(ended) => Some(mem::replace(ended, Ok(Fenced::Held))),
            None => None,
        }
    }

    /// Polls the work, and while it is pending the renewal too.
    async fn work_under_renewal<T>(
        &self,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, Panic> {
        // Made when the work has to wait: work that is ready at once needs none of it.
        let mut renewal = None;
        poll_fn(|context| {
            // A future that panicked is not polled again, so nobody sees what it left behind.
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
                Ok(Poll::Ready(output)) => return Poll::Ready(Ok(output)),
                Ok(Poll::Pending) => {}
                Err(panic) => return Poll::Ready(Err(panic)),
            }
            let renewal = renewal.get_or_insert_with(|| Box::pin(self.hold_for_ever()));
            renewal.as_mut().poll(context).map(Ok)
        })
        .await
    }

    /// Keeps the lease until it is dropped, or tells that it is lost.
    async fn hold_for_ever<T>(&self) -> T {
        if self.current.is_renewed() {
            return self.renew_for_ever().await;
        }
        self.run_out().await;
        self.lose(Operation::Renew);
        pending().await
    }

    /// Waits for the end of a lease that is not renewed, except for its travel.
    async fn run_out(&self) {
        let period = self.lease().duration() / 3;
        loop {
            let deadline = self.current.lease_deadline();
            if Instant::now() < deadline {
                sleep_until(deadline).await;
            } else if self.current.has_travelled() {
                // Its end is another's, unless it comes back, since it could not be sent.
                sleep(period).await;
            } else {
                return;
            }
        }
    }

    /// Renews until it is dropped. Once the lease is lost there is nothing to renew, but the work
    /// goes on: its client is waiting, and its record may still find the key absent.
    async fn renew_for_ever<T>(&self) -> T {
        let period = self.lease().duration() / 3;
        let mut pause = period;
        loop {
            sleep(pause).await;
            let Some(renewed) = self.current.renew_unless_travelled().await else {
                // It may come back, if it cannot be sent.
                pause = period;
                continue;
            };
            self.report(&Event::Renewed(renewed.as_ref().copied()));
            pause = match renewed {
                Ok(Fenced::Held) => period,
                Ok(Fenced::Lost) => {
                    self.lose(Operation::Renew);
                    return pending().await;
                }
                Err(_) => {
                    if Instant::now() >= self.current.lease_deadline() {
                        self.lose(Operation::Renew);
                    }
                    period / 4
                }
            };
        }
    }

    async fn complete(&self, outcome: &mut Outcome) -> Result<Fenced, StoreError> {
        let retention = self.current.idempotency().policy().retention_duration();
        let timeout = self.current.call_timeout();
        let mut attempts = self.attempts();
        let completed = loop {
            let call = self
                .calls()
                .complete(self.key(), self.lease(), outcome, retention, timeout);
            match call.await {
                Err(error) if is_too_large(&error, outcome) => {
                    *outcome = Outcome::NotKept(NotKept::TooLarge);
                }
                Err(error) if attempts.again(&error).await => {}
                ended => break ended,
            }
        };
        match &completed {
            Ok(Fenced::Held) => self.report(&Event::Ended(End::Recorded)),
            Ok(Fenced::Lost) => self.lose(Operation::Complete),
            Err(error) => self.report(&Event::Unrecorded(error)),
        }
        completed
    }

    /// Frees the key. Nobody comes here after having tried to complete.
    async fn release(&self, end: End) -> Result<Fenced, StoreError> {
        let timeout = self.current.call_timeout();
        let mut attempts = self.attempts();
        let released = loop {
            let call = self.calls().release(self.key(), self.lease(), timeout);
            match call.await {
                Err(error) if attempts.again(&error).await => {}
                // An earlier attempt may have freed it although its reply was lost.
                Ok(Fenced::Lost) if attempts.may_have_landed => break Ok(Fenced::Held),
                ended => break ended,
            }
        };
        match &released {
            Ok(Fenced::Held) => self.report(&Event::Ended(end)),
            Ok(Fenced::Lost) => self.lose(Operation::Release),
            Err(error) => self.report(&Event::Unrecorded(error)),
        }
        released
    }

    fn attempts(&self) -> Attempts {
        Attempts {
            left: ATTEMPTS - 1,
            pause: FIRST_PAUSE,
            deadline: self.current.lease_deadline(),
            may_have_landed: false,
        }
    }

    /// Reports that the lease is lost, where it is found first and at the execution's end.
    fn lose(&self, operation: Operation) {
        if self.current.lose() || operation != Operation::Renew {
            self.report(&Event::LeaseLost(operation));
        }
    }

    fn calls(&self) -> &Calls {
        self.current.idempotency().calls()
    }

    fn lease(&self) -> &Lease {
        self.current.lease()
    }

    fn key(&self) -> &RecordKey {
        self.current.record_key()
    }

    fn report(&self, event: &Event<'_>) {
        self.current.report(event);
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let end = if self.current.has_left() {
                End::Travelled
            } else {
                End::Abandoned
            };
            self.report(&Event::Ended(end));
        }
    }
}

fn is_too_large(error: &StoreError, outcome: &Outcome) -> bool {
    error.kind() == StoreErrorKind::TooLarge && matches!(outcome, Outcome::Response(_))
}

/// How often and until when the end of an execution is sent again.
struct Attempts {
    left: u32,
    pause: Duration,
    deadline: Instant,
    may_have_landed: bool,
}

impl Attempts {
    /// Waits before another attempt, if one is worth it.
    async fn again(&mut self, error: &StoreError) -> bool {
        self.may_have_landed |= error.may_have_landed();
        let is_final = matches!(
            error.kind(),
            StoreErrorKind::TooLarge | StoreErrorKind::Rejected | StoreErrorKind::Corrupt
        );
        if is_final || self.left == 0 || Instant::now() + self.pause >= self.deadline {
            return false;
        }
        sleep(self.pause).await;
        self.left -= 1;
        self.pause *= 2;
        true
    }
}
