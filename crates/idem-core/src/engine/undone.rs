//! What the client of an execution gets whose transaction did not commit.

use std::sync::Arc;

use crate::{
    contract::Claim,
    engine::{Decision, Idempotency},
    execution::{KeyedRequest, Undone},
    policy::Refusal,
    record::Response,
};

/// An answer in place of a handler's own, whose effect was undone.
pub(crate) enum Instead {
    /// The response that stands under the key: somebody else's execution, of the same request.
    Replay(Arc<Response>),
    Refused(Refusal),
    /// What the handler itself answers to a failed transaction.
    Own(Box<Response>),
}

impl Idempotency {
    /// Where somebody else has the key it is what a duplicate would get now, by a look and not by a claim.
    pub(crate) fn instead(&self, request: &KeyedRequest, undone: Undone) -> Instead {
        match undone {
            Undone::Lost(Some(found)) => {
                let lease = request.lease();
                let taken = Claim::Taken(found.record().clone());
                match self.decision(&taken, lease, request.term()) {
                    Decision::Replay(response) => Instead::Replay(response),
                    Decision::Refuse(refusal) => Instead::Refused(refusal),
                    Decision::Execute => Instead::Refused(Refusal::RolledBack),
                }
            }
            Undone::Lost(None) => Instead::Refused(Refusal::RolledBack),
            Undone::RolledBack {
                answer: Some(answer),
                ..
            } => Instead::Own(answer),
            Undone::RolledBack {
                can_retry: true, ..
            } => Instead::Refused(Refusal::RolledBack),
            Undone::RolledBack { .. } => Instead::Refused(Refusal::NotCommitted),
            Undone::Unknown => Instead::Refused(Refusal::OutcomeUnknown),
        }
    }
}
