//! One execution of a handler: what it may keep, and how it ends.

use std::error::Error;

use bytes::Bytes;

use crate::{
    engine::Idempotency,
    record::{Lease, NotKept, Outcome},
    record_key::RecordKey,
    response::{Recordable, Response},
    store::{Fenced, StoreError, StoreErrorKind},
};

/// The right to run a handler, until it is finished.
///
/// Finish it with what came of the handler. One that is dropped instead leaves its key pending
/// until the lease runs out.
#[derive(Debug)]
#[must_use]
pub struct Execution {
    idempotency: Idempotency,
    record_key: RecordKey,
    lease: Lease,
}

/// What is to become of the key.
///
/// The enum is complete: something is remembered, or nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Remember what came of it, for as long as the policy retains.
    Keep(Outcome),
    /// Free the key: the handler failed, and the client may try again, also with another payload.
    Free,
}

impl Execution {
    pub(crate) const fn new(idempotency: Idempotency, record_key: RecordKey, lease: Lease) -> Self {
        Self {
            idempotency,
            record_key,
            lease,
        }
    }

    /// Whether the policy keeps a response with this status and these headers.
    pub fn saves<'a, L>(&self, status: u16, lines: impl FnOnce() -> L) -> bool
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        let headers = || lines().collect();
        self.idempotency.policy().saves(status, headers)
    }

    /// The largest response, headers included, that is kept, in bytes.
    #[must_use]
    pub fn response_limit(&self) -> usize {
        let policy = self.idempotency.policy().response_limit();
        let store = self.idempotency.store().capacity().max_record_bytes();
        store.map_or(policy, |store| policy.min(store))
    }

    /// What is recorded of a response: its status, its body, and those headers that may be
    /// replayed later. One that is over the limit is not kept.
    pub fn outcome<'a, L>(&self, status: u16, lines: impl Fn() -> L, body: Bytes) -> Outcome
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        let connection = lines()
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
            .map(|(_, value)| value);
        let skipped = self.idempotency.policy().unrecorded_header_names();
        let recordable = Recordable::new(skipped, connection);
        let headers = lines()
            .filter(|(name, _)| recordable.allows(name))
            .collect();
        let response = Response::new(status, headers, body);
        if response.size() > self.response_limit() {
            return Outcome::NotKept(NotKept::TooLarge);
        }
        response.into()
    }

    /// Ends the execution. 1 round trip.
    ///
    /// A store that fails is reported, and does not take the response from its client; the lease
    /// then keeps the key until it runs out.
    ///
    /// # Cancel safety
    /// Not cancel safe: what came of the handler may then not be recorded.
    pub async fn finish(self, verdict: Verdict) {
        let ended = match verdict {
            Verdict::Keep(outcome) => self.complete(&outcome).await,
            Verdict::Free => self.release().await,
        };
        match ended {
            Ok(Fenced::Held) => {}
            Ok(Fenced::Lost) => tracing::warn!(
                key = ?self.record_key,
                "the lease ran out and another execution took over; its record stands"
            ),
            Err(error) => {
                let error: &dyn Error = &error;
                tracing::error!(key = ?self.record_key, error, "an execution was not recorded");
            }
        }
    }

    async fn complete(&self, outcome: &Outcome) -> Result<Fenced, StoreError> {
        match self.store_outcome(outcome).await {
            Err(error) if error.kind() == StoreErrorKind::TooLarge => {
                self.store_outcome(&Outcome::NotKept(NotKept::TooLarge))
                    .await
            }
            ended => ended,
        }
    }

    async fn store_outcome(&self, outcome: &Outcome) -> Result<Fenced, StoreError> {
        let retention = self.idempotency.policy().retention_duration();
        let store = self.idempotency.store();
        store
            .complete(&self.record_key, &self.lease, outcome, retention)
            .await
    }

    async fn release(&self) -> Result<Fenced, StoreError> {
        let store = self.idempotency.store();
        store.release(&self.record_key, &self.lease).await
    }
}
