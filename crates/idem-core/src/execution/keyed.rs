//! A request under a key: what every part of its path knows of it, shared from its head to its end.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{Span, field::Empty};

use crate::{
    calls::Calls,
    events::{Answered, Event, ShieldedSpan},
    execution::lease::LeaseState,
    policy::LeaseTerm,
    record::{Lease, RecordKey},
    request::IdempotencyKey,
};

/// A request under a key. Clones share it.
#[derive(Clone)]
pub(crate) struct KeyedRequest(Arc<Inner>);

struct Inner {
    calls: Arc<Calls>,
    key: IdempotencyKey,
    record_key: RecordKey,
    span: ShieldedSpan,
    state: LeaseState,
}

impl KeyedRequest {
    /// A request whose key was read, and is not claimed yet. The route is asked for only if the span is
    /// recorded.
    pub(crate) fn new<'r>(
        calls: Arc<Calls>,
        key: IdempotencyKey,
        record_key: RecordKey,
        route: impl FnOnce() -> Option<Cow<'r, str>>,
    ) -> Self {
        let span = || {
            tracing::debug_span!(
                "idempotency",
                key = ?record_key,
                route = route().as_deref(),
                outcome = Empty
            )
        };
        Self(Arc::new(Inner {
            calls,
            key,
            record_key,
            span: ShieldedSpan::debug(span),
            state: LeaseState::unclaimed(),
        }))
    }

    /// A request that was claimed in another process, and whose lease travelled here.
    pub(crate) fn arrived(
        calls: Arc<Calls>,
        key: IdempotencyKey,
        record_key: RecordKey,
        lease: Lease,
        term: LeaseTerm,
    ) -> Self {
        Self(Arc::new(Inner {
            calls,
            key,
            record_key,
            span: ShieldedSpan::new(Span::none),
            state: LeaseState::arrived(lease, term),
        }))
    }

    pub(crate) fn calls(&self) -> &Arc<Calls> {
        &self.0.calls
    }

    pub(crate) fn key(&self) -> &IdempotencyKey {
        &self.0.key
    }

    pub(crate) fn record_key(&self) -> &RecordKey {
        &self.0.record_key
    }

    pub(super) fn span(&self) -> &ShieldedSpan {
        &self.0.span
    }

    /// What is known of its lease.
    pub(crate) fn state(&self) -> &LeaseState {
        &self.0.state
    }

    /// What it claims.
    pub(crate) fn lease(&self) -> &Lease {
        self.state().lease()
    }

    /// What was asked for, of which the lease may be longer: one that is refused at its end stays.
    pub(crate) fn term(&self) -> &LeaseTerm {
        self.state().term()
    }

    /// How long one call to the store may take.
    pub(super) fn call_timeout(&self) -> Duration {
        self.calls().policy.call_timeout(self.term().duration())
    }

    pub(crate) fn report(&self, event: &Event<'_>) {
        // However an execution ends here, it reports one of these.
        if let Event::Ended(_) | Event::LeaseLost(_) | Event::Unrecorded(_) = event {
            self.calls().wake_waiters(self.record_key());
        }
        self.calls().report(self.record_key(), event);
    }

    /// The key is the request's own, until this time at least.
    pub(crate) fn owned(&self, deadline: Instant) {
        if self.state().owned(deadline) {
            // Its task was begun while nobody knew whether it would execute.
            self.report(&Event::HandedOver);
        }
    }

    /// Tells what became of the request.
    pub(crate) fn decided(&self, answered: Answered) {
        self.span().record("outcome", answered.as_str());
        self.report(&Event::Decided(answered));
    }
}

impl fmt::Debug for KeyedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRequest")
            .field("record_key", self.record_key())
            .field("lease", self.state())
            .finish_non_exhaustive()
    }
}
