//! From a request that can be claimed to its decision.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    calls::Turn,
    contract::Claim,
    engine::{Claimable, Decision, Idempotency, Identified, Protected, decide, waiting::Waiter},
    events::Answered,
    execution::{CurrentExecution, Execution, KeyedRequest},
    policy::{LeaseTerm, Refusal, Wait},
    record::{Lease, Record, Response},
};

/// What becomes of a protected request.
///
/// The enum is complete: an adapter handles each case.
#[derive(Debug)]
#[must_use]
pub enum Begin {
    /// Run the handler under this.
    Execute(Execution),
    /// Run the handler and record nothing: the store failed, and the policy chose to go on.
    Unprotected,
    /// Answer with this, and mark it as a replay.
    Replay(Arc<Response>),
    /// Answer with this, and run nothing.
    Refused(Refusal),
}

impl Idempotency {
    /// Claims the key for a request and decides what becomes of it. 1 round trip when the key is
    /// fresh, at most 2 otherwise. More only if a claim's reply was lost, or the policy lets
    /// duplicates wait; none for a duplicate that waits with others and is told by them.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped claim may have been taken, and the key then stays taken for up to
    /// the lease. Put what calls it into a [`HandOver`](crate::adapter::HandOver).
    pub async fn begin(&self, request: Protected, body: &[u8]) -> Begin {
        match self.identify(request, body) {
            Identified::Recalled(response) => Begin::Replay(response),
            Identified::Claimable(claimable) => self.begin_with(&claimable).await,
        }
    }

    pub(crate) async fn begin_with(&self, claimable: &Claimable) -> Begin {
        let begin = self.decide(claimable).await;
        if let Some(answered) = begin.answered() {
            claimable.request().decided(answered);
        }
        begin
    }

    async fn decide(&self, claimable: &Claimable) -> Begin {
        let (request, wait) = (claimable.request(), self.policy().wait);
        if let Some(wait) = wait {
            // Boxed, because every request would have room for it.
            return Box::pin(self.decide_among_others(request, wait)).await;
        }
        match self.claim(request).await {
            ControlFlow::Break(begin) => begin,
            ControlFlow::Continue(found) => self.duplicate(request, found),
        }
    }

    /// Claims the key, unless another request for the same does; waits for the original, and takes turns with the
    /// others who do to ask the store.
    async fn decide_among_others(&self, request: &KeyedRequest, wait: Wait) -> Begin {
        let mut waiter = Waiter::enter(request, wait);
        loop {
            let turn = match waiter.turn().await {
                Turn::Ask(turn) => turn,
                Turn::Known if waiter.takes_place() => continue,
                Turn::Known => return Begin::Refused(Refusal::TooManyWaiters),
                Turn::Found(found) => return self.duplicate(request, found),
                Turn::Unanswered => return self.without_store(),
            };
            let found = match self.claim(request).await {
                ControlFlow::Continue(found) => found,
                ControlFlow::Break(begin) => {
                    if let Begin::Execute(_) = begin {
                        waiter.tell_own(turn);
                    }
                    return begin;
                }
            };
            waiter.tell(turn, &found);
            if waiter.is_over() || !is_of_original(request, &found) {
                return self.duplicate(request, found);
            }
        }
    }

    /// Claims the key, and gives the record that stands there. It breaks where none does: the request executes, or is
    /// refused in a drain or because the store failed.
    async fn claim(&self, request: &KeyedRequest) -> ControlFlow<Begin, Record> {
        let (lease, term) = (request.lease(), request.term());
        let executions = &self.calls.counters.executions;
        let timeout = self.policy().call_timeout(term.duration());
        let claim = |now| self.calls.claim(request.record_key(), lease, now, timeout);
        // Taken before it is asked whether more may begin: a drain that comes between waits.
        let under_way = executions.token();
        if executions.is_closed() {
            return ControlFlow::Break(Begin::Refused(Refusal::ShuttingDown));
        }
        // The lease may run from the first time that the claim was sent.
        let sent = Instant::now();
        request.state().claim_sent();
        // Asked again with the same owner if nobody knows whether it landed.
        let claimed = match claim(sent).await {
            Err(error) if error.may_have_landed() => Box::pin(claim(Instant::now())).await,
            answer => answer,
        };
        match claimed {
            Ok(Claim::Owned) => {}
            Ok(Claim::Taken(record)) => {
                request.state().taken();
                return ControlFlow::Continue(record);
            }
            Err(_) => return ControlFlow::Break(self.without_store()),
        }
        // The timeouts see to it, unless the whole process stood still: what was owned when
        // the store answered may be somebody else's now.
        if sent.elapsed() >= lease.duration() {
            return ControlFlow::Break(self.without_store());
        }
        request.owned(sent + lease.duration());
        let current = CurrentExecution::new(request.clone());
        ControlFlow::Break(Begin::Execute(Execution::new(current, under_way)))
    }

    fn without_store(&self) -> Begin {
        if self.policy().runs_unprotected() {
            return Begin::Unprotected;
        }
        Begin::Refused(Refusal::StoreUnavailable)
    }

    /// What a request gets if this record stands under its key.
    fn duplicate(&self, request: &KeyedRequest, found: Record) -> Begin {
        match self.decision(&Claim::Taken(found), request.lease(), request.term()) {
            Decision::Replay(response) => Begin::Replay(response),
            Decision::Refuse(refusal) => Begin::Refused(refusal),
            // A claim that found a record owns nothing.
            Decision::Execute => Begin::Refused(Refusal::StoreUnavailable),
        }
    }

    /// The decision for a request that claims this lease.
    pub(super) fn decision(&self, claim: &Claim, lease: &Lease, term: &LeaseTerm) -> Decision {
        decide(lease.identity(), claim, |remaining| {
            // What the original's lease is like is known from the duplicate's own, more or less.
            let age = remaining.map_or(Duration::ZERO, |remaining| {
                lease.duration().saturating_sub(remaining)
            });
            let left =
                remaining.map_or(term.duration(), |remaining| remaining.min(term.duration()));
            self.policy().retry_in(age, left)
        })
    }
}

/// Whether the record is the lease under which the same request runs.
fn is_of_original(request: &KeyedRequest, found: &Record) -> bool {
    matches!(found, Record::Pending(lease) if lease.identity() == request.lease().identity())
}

impl Begin {
    const fn answered(&self) -> Option<Answered> {
        match self {
            Self::Execute(_) => Some(Answered::Execute),
            Self::Unprotected => Some(Answered::Unprotected),
            Self::Replay(_) => Some(Answered::Replay),
            Self::Refused(refusal) => refusal.answered(),
        }
    }
}
