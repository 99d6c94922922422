//! The entry: a store under a policy, and what the two can do together.
//!
//! A request enters by [`admit`](Idempotency::admit), is claimed and decided by
//! [`begin`](Idempotency::begin), and its execution goes on one room below. Code that is not an HTTP
//! handler enters by [`run`](Idempotency::run), and a lease from another process by
//! [`resume`](Idempotency::resume).

use std::{fmt, sync::Arc};

use crate::{
    calls::Calls,
    contract::IdempotencyStore,
    policy::{LeaseTerm, Policy},
    record::RecordKey,
    request::{IdempotencyKey, Scope},
};

mod admit;
mod begin;
mod continuation;
mod decision;
mod operator;
mod recall;
mod run;
mod undone;
mod waiting;

pub(crate) use admit::Claimable;
pub use admit::{Admission, Protected};
pub use begin::Begin;
pub use continuation::{Continuation, Resumed};
pub use decision::{Decision, decide};
pub use operator::{Freed, KeyState, KeyStatus};
pub(crate) use recall::Identified;
pub use run::{Done, OperationError, RunError};
pub(crate) use undone::Instead;

/// A store and a policy: everything that makes operations idempotent. Clones share both.
///
/// An adapter calls [`admit`](Self::admit) with the head of each request, and
/// [`serve`](Self::serve) with those that are protected. Code that is not an HTTP handler calls
/// [`run`](Self::run).
///
/// It needs a tokio runtime with its timer.
#[derive(Clone)]
pub struct Idempotency {
    calls: Arc<Calls>,
    /// In place of the policy's.
    lease: Option<LeaseTerm>,
}

impl Idempotency {
    /// Joins a store and a policy.
    pub fn new(store: impl IdempotencyStore, policy: Policy) -> Self {
        Self {
            calls: Arc::new(Calls::new(Arc::new(store), policy)),
            lease: None,
        }
    }

    /// The same store under another policy; waiters and executions are counted together.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self {
            calls: Arc::new(self.calls.with_policy(policy)),
            lease: None,
        }
    }

    /// The same, with another lease than the [policy's](Policy::lease) for what enters here: as long as an
    /// invocation of AWS Lambda can last, say. `None` is the policy's. It costs no allocation.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use idem_core::{Done, Idempotency, IdempotencyKey, LeaseTerm, RunError};
    ///
    /// /// What one invocation does, which is killed at its deadline.
    /// async fn ship(idempotency: &Idempotency, deadline: SystemTime) -> Result<Done<u32>, RunError<std::io::Error>> {
    ///     let lease = LeaseTerm::until(deadline, Duration::from_secs(5));
    ///     let key = IdempotencyKey::new("order-9").expect("it is a key");
    ///     idempotency.with_lease(lease).run(&key, "order-9", || async { Ok(1004) }).await
    /// }
    /// ```
    #[must_use]
    pub fn with_lease(&self, lease: impl Into<Option<LeaseTerm>>) -> Self {
        Self {
            lease: lease.into(),
            ..self.clone()
        }
    }

    fn lease(&self) -> LeaseTerm {
        self.lease.unwrap_or_else(|| self.policy().lease.into())
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.calls.policy
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn IdempotencyStore {
        &*self.calls.store
    }

    /// The name of the record that a key has in a scope.
    #[must_use]
    pub fn record_key(&self, scope: Option<&Scope>, key: &IdempotencyKey) -> RecordKey {
        let scope = scope.filter(|scope| scope.names_somebody());
        RecordKey::derive(&self.policy().namespace, scope, key)
    }

    /// Lets no new executions begin, and waits until the running ones have ended and are recorded, even if
    /// their client no longer listens.
    ///
    /// Call it at shutdown. From the call on, requests under a key are
    /// [refused](crate::Refusal::ShuttingDown) with 503, here and in all clones; nothing is executed for
    /// them, and another server answers their retry.
    ///
    /// # Cancel safety
    /// Safe: the executions run on, and it may be called again.
    pub async fn drain(&self) {
        let counters = &self.calls.counters;
        counters.executions.close();
        self.calls.dismiss_waiters();
        counters.executions.wait().await;
        counters.handed_over.close();
        counters.handed_over.wait().await;
    }
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("store", &self.calls.store)
            .field("policy", &self.calls.policy)
            .finish_non_exhaustive()
    }
}
