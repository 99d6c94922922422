//! A handler's own transaction as the end of its execution: effect and record in one commit.

use std::{error::Error, fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    contract::{Fenced, StoreError},
    digest::{Hasher, Hex},
    record::{Lease, Outcome, RecordKey, Response},
};

/// A transaction in which a handler has worked, to be committed together with the record.
///
/// A store that can do so hands one to a [`Reservation`](crate::store::Reservation). The library calls
/// exactly one of the two methods, after the response is known and before its first byte leaves; an
/// ending that is dropped instead rolls back, also outside a runtime.
#[async_trait]
pub trait Ending: fmt::Debug + Send + 'static {
    /// Writes the completed record, fenced by the lease's owner, and commits; or does neither.
    ///
    /// COMMIT is sent only after the fence is known to have accepted the record, and never in one message with
    /// it. The fence accepts a pending record of this owner, an absent one, and an expired completed one. It
    /// does not accept one that this same owner has completed, because a lease may be delivered to two workers.
    /// Unless the answer says something else, the transaction has ended when it arrives, because a release is
    /// sent next.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, the commit may have landed or not, as with [`Commit::Unknown`].
    async fn commit(self: Box<Self>, completion: Completion<'_>) -> Commit;

    /// Rolls back, and waits until that has ended. It bounds that itself, and is dropped after what is left
    /// of the lease.
    ///
    /// # Errors
    /// It is not known to have ended. Nothing is committed, but the key must not be freed yet.
    async fn roll_back(self: Box<Self>) -> Result<(), StoreError>;
}

/// A COMMIT that was sent, and may or may not have landed.
#[async_trait]
pub trait InDoubt: fmt::Debug + Send + Sync + 'static {
    /// Frees the key if its record is still pending under this owner, whether or not the lease has run out, and
    /// then answers `Held`: the COMMIT did not land, and can no longer land. Otherwise, it answers `Lost`.
    ///
    /// It waits for a COMMIT that is still on its way. A read would not wait, so this is a write. It is dropped
    /// after the time of a call, and asked again.
    ///
    /// # Errors
    /// It was not answered in time. Asking again is right.
    async fn ask(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError>;
}

/// The record that completes an execution.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    key: &'a RecordKey,
    lease: &'a Lease,
    outcome: &'a Outcome,
    retention: Duration,
    patience: Duration,
}

impl<'a> Completion<'a> {
    /// Describes what [`complete`](crate::IdempotencyStore::complete) would be called with, and for how long
    /// the ending may try.
    #[must_use]
    pub const fn new(
        key: &'a RecordKey,
        lease: &'a Lease,
        outcome: &'a Outcome,
        retention: Duration,
        patience: Duration,
    ) -> Self {
        Self {
            key,
            lease,
            outcome,
            retention,
            patience,
        }
    }

    /// The record's name.
    #[must_use]
    pub const fn key(&self) -> &'a RecordKey {
        self.key
    }

    /// The lease whose owner fences the write.
    #[must_use]
    pub const fn lease(&self) -> &'a Lease {
        self.lease
    }

    /// What is to be remembered.
    #[must_use]
    pub const fn outcome(&self) -> &'a Outcome {
        self.outcome
    }

    /// How long it is kept, from the time of the statement.
    #[must_use]
    pub const fn retention(&self) -> Duration {
        self.retention
    }

    /// How long the ending may take: what is left of the lease, or the time of a call if that is more.
    /// An ending bounds its statement, its COMMIT and its rollback by it. One that takes longer by the time of
    /// a call is dropped, and the key is left to its lease.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.patience
    }
}

/// The result of an [`Ending`].
///
/// The enum is complete: these are all that a caller can know of a commit.
#[derive(Debug)]
#[must_use]
pub enum Commit {
    /// Effect and record are there.
    Committed,
    /// The fence refused the record, because another owner has the lease: neither is there.
    Lost,
    /// Neither is there, for another reason.
    RolledBack(RolledBack),
    /// Unknown: the connection broke after COMMIT was sent and before its answer arrived.
    Unknown(StoreError, Box<dyn InDoubt>),
}

/// Why a transaction certainly did not commit, and what its client gets.
#[derive(Debug, Default)]
pub struct RolledBack {
    answer: Option<Box<Response>>,
    can_retry: bool,
    unheard: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl RolledBack {
    /// Trying again cannot help: a deferred constraint failed, or a statement had failed before.
    #[must_use]
    pub fn for_good() -> Self {
        Self::default()
    }

    /// Trying again can help: a serialization failure, a deadlock, a connection that broke before COMMIT.
    #[must_use]
    pub fn for_now() -> Self {
        Self {
            can_retry: true,
            ..Self::default()
        }
    }

    /// The rollback is not known to have ended: the key is left to its lease instead of being freed.
    #[must_use]
    pub fn unheard(mut self) -> Self {
        self.unheard = true;
        self
    }

    /// Sends this to the client in place of the library's refusal: a condition of the handler's own failed.
    #[must_use]
    pub fn with_answer(mut self, answer: Response) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    /// Keeps the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The handler's own answer to this.
    #[must_use]
    pub fn answer(&self) -> Option<&Response> {
        self.answer.as_deref()
    }

    /// Whether the rollback is known to have ended.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        !self.unheard
    }

    /// Whether trying again can help.
    #[must_use]
    pub const fn can_retry(&self) -> bool {
        self.can_retry
    }

    /// The cause.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }

    /// The handler's own answer, taken.
    pub(crate) fn into_answer(self) -> Option<Box<Response>> {
        self.answer
    }
}

/// Identifies a store: two stores with equal identities have the same records.
///
/// An execution may only be ended in the store that has its record. A wrapper returns the identity of the store
/// it wraps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreIdentity([u8; 16]);

impl StoreIdentity {
    /// An identity that no other store has; clones of the store keep it.
    #[must_use]
    pub fn unique() -> Self {
        Self(rand::random())
    }

    /// An identity made of these parts, such as a database and a table: two stores on one table are equal.
    pub fn of_parts<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
        let mut hasher = Hasher::new("idem store identity 2");
        for part in parts {
            hasher.add(part.as_ref());
        }
        let digest = hasher.finish();
        Self(*digest.first_chunk().expect("a digest has 32 bytes"))
    }
}

impl fmt::Debug for StoreIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreIdentity({})", Hex(&self.0[..4]))
    }
}
