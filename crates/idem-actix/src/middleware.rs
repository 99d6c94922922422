//! The middleware: a store, a policy, and who the client is.

use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use idem_core::{Idempotency, IdempotencyStore, LeaseTerm, Policy, Scope, adapter::Protected};

use crate::service::IdempotencyService;

/// Makes the services under it safe to retry.
///
/// Clones share the store. Make it before `HttpServer::new` and clone it in there: the closure runs
/// once for each worker, and a [`MemoryStore`](idem_core::MemoryStore) that is made inside knows
/// nothing of the requests of other workers.
#[derive(Clone)]
pub struct IdempotencyMiddleware {
    idempotency: Idempotency,
    scope: Option<Arc<ScopeRule>>,
    lease: Option<Arc<LeaseRule>>,
}

type ScopeRule = dyn Fn(&ServiceRequest) -> Option<Scope> + Send + Sync;
type LeaseRule = dyn Fn(&ServiceRequest) -> Option<LeaseTerm> + Send + Sync;

impl IdempotencyMiddleware {
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
        rule: impl Fn(&ServiceRequest) -> S + Send + Sync + 'static,
    ) -> Self {
        self.scope = Some(Arc::new(move |request| rule(request).into()));
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
        rule: impl Fn(&ServiceRequest) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.lease = Some(Arc::new(move |request| rule(request).map(Into::into)));
        self
    }

    /// The store and the policy, for what is not the middleware's: running code that is no HTTP
    /// handler, freeing a key, or draining.
    #[must_use]
    pub fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    /// Lets no more executions begin, and waits until those under way have ended and are recorded.
    ///
    /// Call it at shutdown, before the server is stopped: its workers take handlers with them whose
    /// clients vanished. Meanwhile requests under a key are refused with 503, and all others are
    /// served.
    ///
    /// # Cancel safety
    /// Safe: the executions run on, and it may be called again.
    pub async fn drain(&self) {
        self.idempotency.drain().await;
    }

    pub(crate) fn scope_of(&self, request: &ServiceRequest) -> Option<Scope> {
        self.scope.as_ref().and_then(|rule| rule(request))
    }

    /// Gives a request its own lease, if the rule has one for it.
    pub(crate) fn with_lease(&self, protected: Protected, request: &ServiceRequest) -> Protected {
        match self.lease.as_ref().and_then(|rule| rule(request)) {
            Some(term) => protected.lease(term),
            None => protected,
        }
    }
}

impl From<Idempotency> for IdempotencyMiddleware {
    fn from(idempotency: Idempotency) -> Self {
        Self {
            idempotency,
            scope: None,
            lease: None,
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for IdempotencyMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = IdempotencyService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(IdempotencyService::new(inner, self.clone())))
    }
}

impl fmt::Debug for IdempotencyMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyMiddleware")
            .field("idempotency", &self.idempotency)
            .field("scoped", &self.scope.is_some())
            .field("leased", &self.lease.is_some())
            .finish()
    }
}
