//! From a request that can be claimed to its decision.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    contract::Claim,
    engine::{
        Claimable, Decision, Idempotency, Identified, Protected, decide,
        waiting::{Waited, wait},
    },
    events::Answered,
    execution::{CurrentExecution, Execution},
    policy::{LeaseTerm, Refusal},
    record::{Lease, Response},
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
    /// fresh, at most 2 otherwise; more only if a claim's reply was lost, or the policy lets
    /// duplicates wait.
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
        let request = claimable.request();
        let (lease, term) = (request.lease(), request.term());
        let (policy, executions) = (self.policy(), &self.calls.counters.executions);
        let timeout = policy.call_timeout(term.duration());
        let claim = |now| self.calls.claim(request.record_key(), lease, now, timeout);
        let mut waiter = None;
        loop {
            // Taken before it is asked whether more may begin: a drain that comes between waits.
            let mut under_way = executions.token();
            if executions.is_closed() {
                return Begin::Refused(Refusal::ShuttingDown);
            }
            // The lease may run from the first time that the claim was sent.
            let sent = Instant::now();
            request.state().claim_sent();
            // Asked again with the same owner if nobody knows whether it landed.
            let claimed = match claim(sent).await {
                Err(error) if error.may_have_landed() => Box::pin(claim(Instant::now())).await,
                answer => answer,
            };
            let Ok(claimed) = claimed else {
                return self.without_store();
            };
            let decision = self.decision(&claimed, lease, term);
            if let Decision::Execute = decision {
                // The timeouts see to it, unless the whole process stood still: what was owned when
                // the store answered may be somebody else's now.
                if sent.elapsed() >= lease.duration() {
                    return self.without_store();
                }
                request.owned(sent + lease.duration());
            } else {
                request.state().taken();
            }
            if let (Decision::Refuse(Refusal::InProgress { .. }), Some(waits)) =
                (&decision, policy.wait)
            {
                // It executes nothing, and is told to go when it asks again during a drain.
                drop(under_way);
                // Boxed, for few wait, and every request would have room for it.
                match Box::pin(wait(&mut waiter, request, waits)).await {
                    Waited::AskAgain => continue,
                    Waited::Enough => under_way = executions.token(),
                    Waited::NoPlace => {
                        return Begin::Refused(Refusal::TooManyWaiters);
                    }
                }
            }
            return match decision {
                Decision::Execute => {
                    let current = CurrentExecution::new(request.clone());
                    Begin::Execute(Execution::new(current, under_way))
                }
                Decision::Replay(response) => Begin::Replay(response),
                Decision::Refuse(refusal) => Begin::Refused(refusal),
            };
        }
    }

    fn without_store(&self) -> Begin {
        if self.policy().runs_unprotected() {
            return Begin::Unprotected;
        }
        Begin::Refused(Refusal::StoreUnavailable)
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
