//! The contract of a store: four atomic operations on the record under a key, and a look at it.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::record::{Lease, Outcome, Record, RecordKey, Stored};

mod ending;
mod error;
#[cfg(feature = "mock")]
mod mock;
mod recall;

pub use ending::{Commit, Completion, Ending, InDoubt, RolledBack, StoreIdentity};
pub use error::{Operation, StoreError, StoreErrorKind, WriteEffect};
#[cfg(feature = "mock")]
pub use mock::MockIdempotencyStore;
pub use recall::Recall;

/// Keeps records, and decides which of many concurrent claims of a key is the one that executes.
///
/// # The contract
/// A key is absent, pending (an execution holds a lease) or completed. Every operation is atomic: it happens at
/// one instant, completely or not at all, and no two operations on one key overlap.
///
/// - **One owner.** Of any number of concurrent claims of an absent key exactly one is
///   [`Claim::Owned`]. A store that may read stale data must not decide this by a read.
/// - **Fenced.** [`renew`](Self::renew), [`complete`](Self::complete) and [`release`](Self::release) act only
///   while the record is pending *and* carries the lease's own token. Otherwise, they answer [`Fenced::Lost`]
///   and change nothing, so a late holder never overwrites, extends or frees another's record. It does not
///   matter who bears the lease: it may have been claimed [in another process](crate::TravellingLease).
/// - **The store's clock.** Leases and retention are durations that the store measures itself, from when it
///   executes the operation. From the instant when one runs out, the record is absent to every operation, swept
///   or not. A database without a clock gets the time from its clients: such a store may let a record stand for
///   some seconds longer, documents how many, and never ends one early.
/// - **Nothing live is dropped.** A store that is full refuses the claim, before anything has run;
///   it never makes room by dropping a pending or completed record.
/// - **Honest errors.** An error whose write may have landed says so
///   ([`StoreError::may_have_landed`]), and every error keeps its source.
///
/// No method that touches a record has a default body: each store must decide for itself how it is atomic.
///
/// Durations are at least 1 ms. A duration that is longer than the store can keep is an error
/// ([`StoreErrorKind::Rejected`]), or means for ever in a store without such a limit.
///
/// # Cancel safety
/// A dropped future may or may not have had its effect, as with an error whose write may have landed. It is
/// always right to call again with the same lease: claims and completions are idempotent for their owner.
///
/// # A store
/// The trait's methods are those of [`async_trait`](macro@async_trait), so an implementation needs
/// `#[async_trait]` and a dependency on that crate. This store keeps the contract, as a test in
/// `idem-store-tests` shows. It keeps growing, because it removes an expired record only when its key is used
/// again:
///
/// ```
#[doc = include_str!("contract/example_store.rs")]
/// ```
#[async_trait]
pub trait IdempotencyStore: fmt::Debug + Send + Sync + 'static {
    /// Takes the lease if the key is absent, and otherwise returns the record that is there. 1 round trip when
    /// the key is absent, at most 2 otherwise.
    ///
    /// It is idempotent for its owner: while the key is pending under the same token the answer is `Owned`, and
    /// the lease runs from the first time. So after a lost reply, the claim can be repeated.
    ///
    /// A store may answer before a write would survive a crash, but only for a lease that is not
    /// [durable](Lease::is_durable).
    ///
    /// # Errors
    /// Nothing may be executed. If the claim may have landed, the key may be taken for as long as the lease;
    /// claim again with the same lease to find out.
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError>;

    /// Restarts the lease from now, for its whole duration, which may be longer or shorter than that of its
    /// claim. 1 round trip.
    ///
    /// # Errors
    /// The lease ends when it would have before, or later if the renewal may have landed.
    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError>;

    /// Replaces the lease by the outcome, kept for `retention` from now. 1 round trip.
    ///
    /// It also lands on an absent key: the lease ran out, no one took over, and finished work must be
    /// remembered. If the same owner completes again, it is applied once and answers `Held`. A full store still
    /// accepts the completion of a pending record, because its claim was admitted.
    ///
    /// # Errors
    /// [`StoreErrorKind::TooLarge`] if the record is over [`Capacity::max_record_bytes`]: complete
    /// with [`Outcome::NotKept`] then. After any error the lease may still stand or the record may
    /// be there; complete again, and never release.
    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError>;

    /// Makes the key absent, so that any request may claim it. 1 round trip.
    ///
    /// Never called by an owner that has tried to complete.
    ///
    /// # Errors
    /// The key stays taken until the lease runs out, unless the release may have landed.
    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError>;

    /// Returns the record under the key, and changes nothing; `None` if the key is absent. 1 round trip if it
    /// is absent, at most 2 otherwise.
    ///
    /// It is for people, and decides nothing: the answer may be stale, and if it takes two reads, the time that
    /// [remains](Stored::remaining) may be that of a later record than the one returned. It does not take the
    /// key, restart a lease or a retention, or sweep. Expired records are absent to it, as to every other
    /// operation.
    ///
    /// # Errors
    /// Nothing is known of the key, and nothing was written: the error
    /// [never](StoreError::may_have_landed) may have landed.
    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError>;

    /// The limits of the store. They do not change, and asking costs nothing.
    fn capacity(&self) -> Capacity;

    /// Identifies this store. The identity does not change, clones share it, and a wrapper returns that of the
    /// store it wraps.
    fn identity(&self) -> StoreIdentity;

    /// What the store can answer of repeated requests without a claim; `None`, the default, if nothing. It does not
    /// change, and a wrapper hands on that of what it wraps, or a way of its own.
    fn recalls(&self) -> Option<&dyn Recall> {
        None
    }
}

/// The answer to a claim.
///
/// The enum is complete: a claim has no third answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    /// The lease belongs to the caller, the only one that may execute.
    Owned,
    /// Another's live record is there, and stays as it is.
    Taken(Record),
}

/// The answer to an operation that is reserved for the holder of the lease.
///
/// The enum is complete: the fence either opens or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fenced {
    /// The record was the caller's, and the operation took effect.
    Held,
    /// The record was not, or no longer, the caller's; nothing changed.
    Lost,
}

/// What a store can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    max_record_bytes: Option<usize>,
}

impl Capacity {
    /// A store without limits of its own.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            max_record_bytes: None,
        }
    }

    /// Limits the largest record, counted as [`Response::size`](crate::Response::size) does.
    #[must_use]
    pub const fn with_max_record_bytes(mut self, bytes: usize) -> Self {
        self.max_record_bytes = Some(bytes);
        self
    }

    /// The largest response that a record may hold, in bytes; `None` without a limit.
    ///
    /// A store that encodes records states less than it can hold: one byte of a header can take six.
    #[must_use]
    pub const fn max_record_bytes(&self) -> Option<usize> {
        self.max_record_bytes
    }
}

/// A shared store is a store, so that several layers and frameworks can use it.
#[async_trait]
impl<S: IdempotencyStore + ?Sized> IdempotencyStore for Arc<S> {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        (**self).claim(key, lease).await
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        (**self).renew(key, lease).await
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        (**self).complete(key, lease, outcome, retention).await
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        (**self).release(key, lease).await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        (**self).look_up(key).await
    }

    fn capacity(&self) -> Capacity {
        (**self).capacity()
    }

    fn identity(&self) -> StoreIdentity {
        (**self).identity()
    }

    fn recalls(&self) -> Option<&dyn Recall> {
        (**self).recalls()
    }
}
