//! What a handler can know of its own execution.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::time::Instant;

use crate::{
    digest::{Hasher, Hex},
    key::IdempotencyKey,
    record_key::RecordKey,
};

/// The execution that a handler runs in: its key, its lease, and keys for what it calls.
///
/// A handler that runs is never a replay. Whether an earlier execution of the same request crashed
/// half-way, nobody can know; [derived keys](Self::derived_key) make what it called safe to call
/// again.
#[derive(Clone)]
pub struct CurrentExecution(Arc<Inner>);

struct Inner {
    key: IdempotencyKey,
    record_key: RecordKey,
    deadline: Mutex<Instant>,
    lost: AtomicBool,
}

impl CurrentExecution {
    pub(crate) fn new(key: IdempotencyKey, record_key: RecordKey, deadline: Instant) -> Self {
        Self(Arc::new(Inner {
            key,
            record_key,
            deadline: Mutex::new(deadline),
            lost: AtomicBool::new(false),
        }))
    }

    /// The key that the client sent.
    #[must_use]
    pub fn key(&self) -> &IdempotencyKey {
        &self.0.key
    }

    /// The name of the record, which may be logged.
    #[must_use]
    pub fn record_key(&self) -> &RecordKey {
        &self.0.record_key
    }

    /// Until when the lease runs, as far as is known; renewals put it off while the handler runs.
    #[must_use]
    pub fn lease_deadline(&self) -> Instant {
        *self
            .0
            .deadline
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the lease is known to be lost: another execution may be running.
    ///
    /// A handler that is about to do what cannot be undone may ask, and stop. The answer can be
    /// late, so it protects nothing by itself.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// A key to pass on to a service that this execution calls: 64 hexadecimal digits, the same
    /// each time that this request is executed, and another for each `purpose`.
    ///
    /// It tells the service nothing of the client's key.
    #[must_use]
    pub fn derived_key(&self, purpose: &str) -> String {
        let mut hasher = Hasher::new("idem derived key 1");
        hasher.add(self.0.record_key.as_bytes());
        hasher.add(purpose.as_bytes());
        Hex(&hasher.finish()).to_string()
    }

    pub(crate) fn extend(&self, deadline: Instant) {
        *self
            .0
            .deadline
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Marks the lease as lost; answers whether it was not before.
    pub(crate) fn lose(&self) -> bool {
        !self.0.lost.swap(true, Ordering::Relaxed)
    }
}

impl fmt::Debug for CurrentExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentExecution")
            .field("record_key", &self.0.record_key)
            .field("lease_deadline", &self.lease_deadline())
            .field("lost", &self.is_lost())
            .finish()
    }
}
