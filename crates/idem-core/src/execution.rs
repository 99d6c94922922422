//! The life of a lease, from the owned claim to its end: renewed while the handler runs, and then
//! completed or released, once.

use std::{
    future::Future,
    panic::resume_unwind,
    pin::{Pin, pin},
};

use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::{
    contract::{Fenced, StoreError},
    events::{End, Event},
    policy::ResponseRules,
    record::Outcome,
};

mod again;
mod current;
mod end;
mod ending;
mod hand_over;
mod keyed;
mod lease;
mod renewal;
mod reservation;
mod travelling_lease;

pub use current::{CurrentExecution, TravelError};
pub use ending::Undone;
pub use hand_over::{HandOver, Watch};
pub(crate) use keyed::KeyedRequest;
pub use reservation::{EnlistError, Renewals, Reservation};
pub use travelling_lease::{InvalidLease, TravellingLease};

use lease::EndsBy;

/// The right to run a handler: a lease that was claimed.
///
/// One that is dropped instead of [run](Self::run) leaves its key pending until the lease runs
/// out.
#[derive(Debug)]
#[must_use]
pub struct Execution {
    current: CurrentExecution,
    /// Its end was begun, so dropping it ends nothing.
    has_ended: bool,
    /// Lets a drain wait for it.
    _under_way: TaskTrackerToken,
}

/// What happens to the key.
///
/// The enum is complete: something is remembered, or nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Remember the outcome, for as long as the policy retains it.
    Keep(Outcome),
    /// Free the key: the handler failed, and the client may try again, also with another payload.
    Free,
}

/// How an execution went: the work's result, and its end.
pub(crate) struct Ran<R> {
    pub(crate) result: R,
    pub(crate) ended: Ended,
}

/// How an execution ended in the store. What is rare is boxed, since each request has room for one.
pub(crate) enum Ended {
    /// The lease had left, and the end is another process's.
    Elsewhere,
    /// What the store said.
    Said(Result<Fenced, StoreError>),
    /// The handler's transaction did not commit, so the result is not the answer.
    Undone(Box<Undone>),
}

impl Ended {
    fn of(settled: Result<Fenced, Undone>) -> Self {
        match settled {
            Ok(fenced) => Self::Said(Ok(fenced)),
            Err(undone) => Self::Undone(Box::new(undone)),
        }
    }
}

impl<R> Ran<R> {
    /// The result, unless it was undone.
    pub(crate) fn into_result(self) -> Result<R, Undone> {
        match self.ended {
            Ended::Elsewhere | Ended::Said(_) => Ok(self.result),
            Ended::Undone(undone) => Err(*undone),
        }
    }
}

impl Execution {
    pub(crate) const fn new(current: CurrentExecution, under_way: TaskTrackerToken) -> Self {
        Self {
            current,
            has_ended: false,
            _under_way: under_way,
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
        self.request().calls().response_rules()
    }

    /// Ends the execution here without an end: its lease travels to another process, which
    /// [resumes](crate::Idempotency::resume) it. No round trip: what remains of the lease is what remained.
    ///
    /// A [drain](crate::Idempotency::drain) no longer waits for it. A handler that
    /// runs under this has [`CurrentExecution::travel`], which renews the lease for the way.
    #[must_use]
    pub fn travel(self) -> TravellingLease {
        let request = self.request();
        if request.state().leave().is_ok() {
            // Nobody else has it, so it leaves at once.
            let _ = request.state().left();
        }
        self.current.travelling_lease(request.lease().duration())
    }

    /// Runs the handler's work to its end, and records its verdict before it hands its result back.
    ///
    /// While the work runs, the same task renews the lease after each third of it, unless its term is
    /// [fixed](crate::LeaseTerm::fixed). The end takes 1 round trip; while the store fails, it is tried up to
    /// four times within the lease. If it fails for good, that is [reported](Event::Unrecorded), and the result
    /// is still returned. If the work panics, the key is freed and the panic goes on unwinding.
    ///
    /// Work that is ready at once sets no timer, and the work need not be `Send`.
    ///
    /// # Errors
    /// The work handed a transaction over, and it was [undone](Undone).
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, it drops the work, and the key stays taken until the lease runs
    /// out. Put it into a [`HandOver`](crate::adapter::HandOver).
    pub async fn run<R>(mut self, work: impl Future<Output = (Verdict, R)>) -> Result<R, Undone> {
        self.run_pinned(pin!(work)).await.into_result()
    }

    /// As `run`, and only once. Execution and work stay where they are: they are large, and would
    /// stand in each of the futures around them if those took them by value.
    pub(crate) async fn run_pinned<R>(
        &mut self,
        work: Pin<&mut impl Future<Output = (Verdict, R)>>,
    ) -> Ran<R> {
        let worked = self.request().work_under_renewal(work).await;
        match worked {
            Ok((verdict, result)) => Ran {
                ended: self.end(verdict).await,
                result,
            },
            Err(panic) => {
                self.end_by_panic().await;
                resume_unwind(panic)
            }
        }
    }

    /// Sends the end to the store, and tells what it said.
    pub(crate) async fn end(&mut self, verdict: Verdict) -> Ended {
        let request = self.request();
        let ending = match request.begin_end().await {
            EndsBy::Leaving => return Ended::Elsewhere,
            EndsBy::Transaction(ending) => Some(ending),
            EndsBy::Call => None,
        };
        self.has_ended = true;
        let request = self.request();
        let kept = self.kept(verdict);
        if let Some(ending) = ending {
            return request.end_with(ending, kept).await;
        }
        Ended::Said(match kept {
            Some(outcome) => request.complete(outcome).await,
            None => request.release(End::Freed).await,
        })
    }

    /// What of a verdict goes into the record; `None` frees the key.
    fn kept(&self, verdict: Verdict) -> Option<Outcome> {
        match verdict {
            Verdict::Keep(outcome) => self.response_rules().admit(outcome),
            Verdict::Free => None,
        }
    }

    async fn end_by_panic(&mut self) {
        let request = self.request();
        match request.begin_end().await {
            EndsBy::Leaving => {}
            // What the store says to it is reported, and changes nothing here.
            EndsBy::Call => drop(request.release(End::Panicked).await),
            EndsBy::Transaction(ending) => {
                drop(Box::pin(request.roll_back(ending, End::Panicked)).await);
            }
        }
    }

    pub(crate) fn request(&self) -> &KeyedRequest {
        self.current.request()
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        if let Some(end) = self.request().state().dropped() {
            self.request().report(&Event::Ended(end));
        }
    }
}
