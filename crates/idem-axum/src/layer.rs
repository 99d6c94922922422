//! The layer: a store, a policy, and who the client is.

use std::{fmt, sync::Arc};

use http::request::Parts;
use idem_core::{Idempotency, IdempotencyStore, LeaseTerm, Policy, Scope, adapter::Protected};
use tower_layer::Layer;

use crate::service::IdempotencyService;

/// Makes the services under it safe to retry.
///
/// Clones share the store: one layer may be put on several routes, or on routers of several
/// servers.
#[derive(Clone)]
pub struct IdempotencyLayer {
    idempotency: Idempotency,
    scope: Option<Arc<ScopeRule>>,
    lease: Option<Arc<LeaseRule>>,
}

type ScopeRule = dyn Fn(&Parts) -> Option<Scope> + Send + Sync;
type LeaseRule = dyn Fn(&Parts) -> Option<LeaseTerm> + Send + Sync;

impl IdempotencyLayer {
    /// Protects with a store and the [reference policy](Policy::reference).
    pub fn new(store: impl IdempotencyStore) -> Self {
        Idempotency::new(store, Policy::reference()).into()
    }

    /// Sets the policy.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.idempotency = self.idempotency.with_policy(policy);
        self
    }

    /// Says who the client is, from what the application knows of an authenticated request.
    ///
    /// Two scopes never share a key. A request for which the rule answers `None` is bound to the
    /// credentials that it carries, as all are without a rule.
    #[must_use]
    pub fn scope<S: Into<Option<Scope>>>(
        mut self,
        rule: impl Fn(&Parts) -> S + Send + Sync + 'static,
    ) -> Self {
        self.scope = Some(Arc::new(move |head| rule(head).into()));
        self
    }

    /// Says how long a request holds its key, where that is known of the request: from the deadline
    /// of the function that serves it, say. A `Duration` is renewed each third of it; a
    /// [fixed term](LeaseTerm::fixed) is not.
    ///
    /// A request for which the rule answers `None` has the [policy's lease](Policy::lease). Only
    /// requests with a valid key are asked about, once and before their body is read; the lease runs
    /// from their claim.
    #[must_use]
    pub fn lease<T: Into<LeaseTerm>>(
        mut self,
        rule: impl Fn(&Parts) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.lease = Some(Arc::new(move |head| rule(head).map(Into::into)));
        self
    }

    /// The store and the policy, for what is not the layer's: running code that is no HTTP handler,
    /// freeing a key, or draining.
    #[must_use]
    pub fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    /// Waits until the executions whose clients vanished have ended and are recorded.
    ///
    /// Call it at shutdown, after `axum::serve` has returned.
    ///
    /// # Cancel safety
    /// Safe: the executions run on, and it may be called again.
    pub async fn drain(&self) {
        self.idempotency.drain().await;
    }

    pub(crate) fn scope_of(&self, head: &Parts) -> Option<Scope> {
        self.scope.as_ref().and_then(|rule| rule(head))
    }

    /// Gives a request its own lease, if the rule has one for it.
    pub(crate) fn with_lease(&self, protected: Protected, head: &Parts) -> Protected {
        match self.lease.as_ref().and_then(|rule| rule(head)) {
            Some(term) => protected.lease(term),
            None => protected,
        }
    }
}

impl From<Idempotency> for IdempotencyLayer {
    fn from(idempotency: Idempotency) -> Self {
        Self {
            idempotency,
            scope: None,
            lease: None,
        }
    }
}

impl<S> Layer<S> for IdempotencyLayer {
    type Service = IdempotencyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        IdempotencyService::new(inner, self.clone())
    }
}

impl fmt::Debug for IdempotencyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyLayer")
            .field("idempotency", &self.idempotency)
            .field("scoped", &self.scope.is_some())
            .field("leased", &self.lease.is_some())
            .finish()
    }
}
