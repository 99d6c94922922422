//! A lease that has travelled: what the process that received it can do.

use std::{future::Future, pin::pin, sync::Arc};

use tokio::time::Instant;

use crate::{
    contract::{Fenced, Operation, StoreError, StoreErrorKind, WriteEffect},
    engine::Idempotency,
    events::Event,
    execution::{
        CurrentExecution, Ended, Execution, KeyedRequest, TravellingLease, Undone, Verdict,
    },
    policy::{LeaseTerm, ResponseRules},
    record::Outcome,
};

/// A lease that has travelled here, and what can be done with it.
///
/// [`run`](Self::run) is for work under it; [`complete`](Self::complete) for work that is already done, such as
/// the last step of a workflow; [`release`](Self::release) for work that has failed for good. Dropping it does
/// nothing: the lease runs on until its end, and the message may be delivered again.
#[derive(Debug)]
#[must_use]
pub struct Continuation {
    current: CurrentExecution,
}

/// The result of running under a lease that has travelled.
///
/// The enum is complete: each case says what to do with the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Resumed<R> {
    /// The work ran, and the store has its outcome, or its lease has travelled on. Acknowledge the message.
    Ended(R),
    /// Nothing ran: the record was already completed or freed, or the lease ran out. Acknowledge the message;
    /// if the lease ran out, the client's retry starts again from the beginning.
    Lost,
    /// The work ran, but meanwhile the lease ran out and another execution took over: its record stands, and
    /// the work may have been done twice. Acknowledge the message.
    LostMeanwhile(R),
    /// The work ran, and its transaction did not commit. If the lease was [lost](Undone::Lost), acknowledge the
    /// message; otherwise let it be delivered again.
    Undone(Undone),
    /// Nothing ran: this process is [shutting down](Idempotency::drain). Leave the message to another one.
    ShuttingDown,
}

impl Idempotency {
    /// Takes up a lease that was claimed elsewhere. No round trip.
    ///
    /// The two processes share only a store. The first one's policy decides which requests are equal and what
    /// in-progress answers say; this one's policy decides how long the result is retained.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use idem_core::{Headers, Idempotency, Response, Resumed, TravellingLease, Verdict};
    ///
    /// # async fn ship() -> Result<Bytes, std::io::Error> { Ok(Bytes::new()) }
    /// # async fn worker(idempotency: Idempotency, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let lease: TravellingLease = text.parse()?;
    /// let work = async {
    ///     match ship().await {
    ///         // What duplicates of the first request get from now on.
    ///         Ok(parcel) => {
    ///             let response = Response::new(201, Headers::default(), parcel);
    ///             (Verdict::Keep(response.into()), Ok(()))
    ///         }
    ///         Err(error) => (Verdict::Free, Err(error)),
    ///     }
    /// };
    /// match idempotency.resume(lease).run(work).await? {
    ///     Resumed::Ended(shipped) => shipped?,
    ///     Resumed::Lost | Resumed::LostMeanwhile(_) => {}
    ///     Resumed::Undone(_) | Resumed::ShuttingDown => return Err("deliver it again".into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(&self, lease: TravellingLease) -> Continuation {
        // It may come from anywhere.
        let term = LeaseTerm::renewed(lease.duration());
        let held = lease.lease().lasting(term.duration());
        // The message may have been delivered to another worker, too.
        let held = self.policy().with_durability(held).completed_perhaps();
        Continuation {
            current: CurrentExecution::new(KeyedRequest::arrived(
                Arc::clone(&self.calls),
                lease.key().clone(),
                *lease.record_key(),
                held,
                term,
            )),
        }
    }
}

impl Continuation {
    /// The work's view of its execution, as in the first process: derived keys are the same. Its deadline is
    /// known once the lease has been renewed, which [`run`](Self::run) does first.
    #[must_use]
    pub const fn current(&self) -> &CurrentExecution {
        &self.current
    }

    /// What is recorded of a response: headers that may be replayed, a body within the limit.
    #[must_use]
    pub fn response_rules(&self) -> ResponseRules {
        self.request().calls().response_rules()
    }

    /// Restarts the lease from now, for its whole duration. 1 round trip.
    ///
    /// # Errors
    /// The lease ends when it would have before, or later if the call may have landed.
    ///
    /// # Cancel safety
    /// Safe: call it again.
    pub async fn renew(&self) -> Result<Fenced, StoreError> {
        let renewed = self.renewed().await;
        self.request()
            .report(&Event::Renewed(renewed.as_ref().copied()));
        if matches!(renewed, Ok(Fenced::Lost)) {
            self.request().lose(Operation::Renew);
        }
        renewed
    }

    async fn renewed(&self) -> Result<Fenced, StoreError> {
        self.request()
            .renew(self.request().lease().duration())
            .await
    }

    const fn request(&self) -> &KeyedRequest {
        self.current.request()
    }

    /// Runs work under the lease, which is renewed first and then after each third of its duration, and records
    /// the verdict before it returns the result. 2 round trips. If the lease was lost, 1 round trip, and
    /// nothing runs.
    ///
    /// If the work panics, the key is freed and the panic goes on unwinding. Work may send the lease on by
    /// [`CurrentExecution::travel`]; its verdict is then ignored.
    ///
    /// # Errors
    /// The [operation](StoreError::operation) tells them apart: at `Renew` nothing ran. At `Complete` and
    /// `Release` the work ran and the store did not take its end, tried up to four times; let the message be
    /// delivered again.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, it drops the work, and the key stays taken until the lease runs out or the
    /// message is delivered again.
    pub async fn run<R>(
        self,
        work: impl Future<Output = (Verdict, R)>,
    ) -> Result<Resumed<R>, StoreError> {
        let executions = &self.request().calls().counters.executions;
        // Taken before it is asked whether more may begin: a drain that comes between waits.
        let under_way = executions.token();
        if executions.is_closed() {
            return Ok(Resumed::ShuttingDown);
        }
        let renewed = self.renewed().await;
        self.request()
            .report(&Event::Resumed(renewed.as_ref().copied()));
        if renewed? == Fenced::Lost {
            return Ok(Resumed::Lost);
        }
        let mut execution = Execution::new(self.current, under_way);
        let ran = execution.run_pinned(pin!(work)).await;
        match ran.ended {
            Ended::Elsewhere | Ended::Said(Ok(Fenced::Held)) => Ok(Resumed::Ended(ran.result)),
            Ended::Said(Ok(Fenced::Lost)) => Ok(Resumed::LostMeanwhile(ran.result)),
            Ended::Said(Err(error)) => Err(error),
            Ended::Undone(undone) => Ok(Resumed::Undone(*undone)),
        }
    }

    /// Records the result, for as long as this policy retains it. 1 round trip; while the store fails it is
    /// tried up to four times.
    ///
    /// It checks nothing first, because finished work must be remembered: it also lands if the lease ran out
    /// and no other execution took over. `Lost` means that one did, or that the key was freed and taken;
    /// nothing was changed. Completing again returns `Held`, and the first outcome stays.
    ///
    /// A response is recorded like a handler's: without the headers that may not be replayed, and only within
    /// the limit. One that [does not count as a result](crate::Policy::save_when) frees the key.
    ///
    /// # Errors
    /// The lease may still stand, or the record be there, or a transaction that was handed over did not
    /// commit; let the message be delivered again.
    ///
    /// # Cancel safety
    /// As an error.
    pub async fn complete(self, outcome: impl Into<Outcome>) -> Result<Fenced, StoreError> {
        self.end(Verdict::Keep(outcome.into())).await
    }

    /// Frees the key: the work failed for good, and the client may try again. 1 round trip; while the store
    /// fails it is tried up to four times.
    ///
    /// `Lost` means that the key did not, or no longer, belong to this lease; nothing was changed.
    ///
    /// # Errors
    /// The key stays taken until the lease runs out, unless the call may have landed.
    ///
    /// # Cancel safety
    /// As an error.
    pub async fn release(self) -> Result<Fenced, StoreError> {
        self.end(Verdict::Free).await
    }

    async fn end(self, verdict: Verdict) -> Result<Fenced, StoreError> {
        let request = self.request();
        let under_way = request.calls().counters.executions.token();
        // Bounds the attempts; what remains of the lease is not known, and does not matter.
        let bound = Instant::now() + request.lease().duration();
        request.state().runs_until(bound);
        let ended = Execution::new(self.current, under_way).end(verdict).await;
        match ended {
            Ended::Said(said) => said,
            // A lease that was sent on by a clone of `current` is another's.
            Ended::Elsewhere => Ok(Fenced::Lost),
            Ended::Undone(undone) => match *undone {
                Undone::Lost(_) => Ok(Fenced::Lost),
                Undone::RolledBack { .. } => Err(not_committed(WriteEffect::None)),
                Undone::Unknown => Err(not_committed(WriteEffect::Unknown)),
            },
        }
    }
}

/// What was handed over did not commit, as far as is known.
fn not_committed(effect: WriteEffect) -> StoreError {
    let error = StoreError::new(Operation::Complete, StoreErrorKind::Unavailable, effect);
    error.with_source("the transaction that was handed over did not commit")
}
