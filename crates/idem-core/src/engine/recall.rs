//! Repeated requests that are known by their exact bytes, and answered before anything else is worked out.
//!
//! What is not recalled is [claimed and compared](super::begin), which decides.

use std::sync::Arc;

use crate::{
    engine::{Claimable, Idempotency, Protected},
    events::Answered,
    record::Response,
};

/// A protected request whose payload was read.
pub(crate) enum Identified {
    /// It is known: this is its answer, and is told.
    Recalled(Arc<Response>),
    /// It has to be claimed.
    Claimable(Claimable),
}

impl Idempotency {
    /// Finds the response of a request that came before with the same bytes, or says what is asked for.
    pub(crate) fn identify(&self, protected: Protected, payload: &[u8]) -> Identified {
        if !self.calls.can_recall() {
            return Identified::Claimable(protected.claimable(payload, None));
        }
        let tag = protected.tag(payload);
        let request = protected.request();
        // A drain refuses duplicates as well, where they are claimed.
        if !self.calls.counters.executions.is_closed() {
            if let Some(response) = self.calls.recall(request.record_key(), &tag) {
                request.decided(Answered::Replay);
                return Identified::Recalled(response);
            }
        }
        Identified::Claimable(protected.claimable(payload, Some(tag)))
    }
}
