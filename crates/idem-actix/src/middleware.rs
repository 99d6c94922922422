//! The middleware: a store, a policy, and who the client is.

use std::future::{Ready, ready};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use idem_core::{
    Idempotency, IdempotencyStore, Policy,
    adapter::{IntoLeaseTerm, IntoScope, Options},
};

use crate::service::IdempotencyService;

/// Makes the services under it safe to retry.
///
/// Clones share the store. Make it before `HttpServer::new` and clone it in there: the closure runs once for
/// each worker, and a [`MemoryStore`](idem_core::MemoryStore) that is made inside does not see the requests of
/// other workers.
#[derive(Clone, Debug)]
pub struct IdempotencyMiddleware {
    options: Options<ServiceRequest>,
}

impl IdempotencyMiddleware {
    /// Protects with a store and the [reference policy](Policy::reference).
    pub fn new(store: impl IdempotencyStore) -> Self {
        Options::new(store).into()
    }

    /// Sets the policy.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        self.options.policy(policy).into()
    }

    /// Says who the client is, from what the application knows of an authenticated request.
    ///
    /// The rule returns anything that converts into a [`Scope`](idem_core::Scope), such as a name or a number,
    /// or an `Option` of it. Two scopes never share a key. If it returns `None`, the request is bound to the
    /// credentials that it carries, as all requests are without a rule.
    #[must_use]
    pub fn scope<S: IntoScope>(
        self,
        rule: impl Fn(&ServiceRequest) -> S + Send + Sync + 'static,
    ) -> Self {
        self.options.scope(rule).into()
    }

    /// Sets how long a request holds its key, if the request says so: by the deadline of the function that
    /// serves it, for example. The rule returns a `Duration`, which is renewed after each third of it, a
    /// [`LeaseTerm`](idem_core::LeaseTerm), which may be fixed, or an `Option` of either.
    ///
    /// If it returns `None`, the request has the [policy's lease](Policy::lease). The rule is called once for
    /// each request with a valid key, before its body is read; the lease runs from the claim.
    #[must_use]
    pub fn lease<T: IntoLeaseTerm>(
        self,
        rule: impl Fn(&ServiceRequest) -> T + Send + Sync + 'static,
    ) -> Self {
        self.options.lease(rule).into()
    }

    /// The store and the policy, for everything outside the middleware: code outside HTTP handlers, freeing a
    /// key, draining.
    #[must_use]
    pub fn idempotency(&self) -> &Idempotency {
        self.options.idempotency()
    }

    /// Lets no new executions begin, and waits until the running ones have ended and are recorded, even if
    /// their client no longer listens.
    ///
    /// Call it at shutdown, before the server is stopped, because a worker that stops drops the handlers whose
    /// clients hung up. From the call on, requests under a key are refused with 503, here and in all clones of the
    /// middleware; all others are served.
    ///
    /// # Cancel safety
    /// Safe: the executions run on, and it may be called again.
    pub async fn drain(&self) {
        self.idempotency().drain().await;
    }
}

impl From<Options<ServiceRequest>> for IdempotencyMiddleware {
    fn from(options: Options<ServiceRequest>) -> Self {
        Self { options }
    }
}

impl From<Idempotency> for IdempotencyMiddleware {
    fn from(idempotency: Idempotency) -> Self {
        Options::from(idempotency).into()
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
        ready(Ok(IdempotencyService::new(inner, self.options.clone())))
    }
}
