//! The layer: a store, a policy, and who the client is.

use http::request::Parts;
use idem_core::{
    Idempotency, IdempotencyStore, Policy,
    adapter::{IntoLeaseTerm, IntoScope, Options},
};
use tower_layer::Layer;

use crate::service::IdempotencyService;

/// Makes the services under it safe to retry.
///
/// Clones share the store: one layer may be put on several routes, or on routers of several
/// servers.
#[derive(Clone, Debug)]
pub struct IdempotencyLayer {
    options: Options<Parts>,
}

impl IdempotencyLayer {
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
    pub fn scope<S: IntoScope>(self, rule: impl Fn(&Parts) -> S + Send + Sync + 'static) -> Self {
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
        rule: impl Fn(&Parts) -> T + Send + Sync + 'static,
    ) -> Self {
        self.options.lease(rule).into()
    }

    /// The store and the policy, for everything outside the layer: code outside HTTP handlers, freeing a key,
    /// draining.
    #[must_use]
    pub fn idempotency(&self) -> &Idempotency {
        self.options.idempotency()
    }

    /// Lets no new executions begin, and waits until the running ones have ended and are recorded, even if
    /// their client no longer listens.
    ///
    /// Call it at shutdown, after `axum::serve` has returned. From the call on, requests under a key are refused
    /// with 503, here and in all clones of the layer; all others are served.
    ///
    /// # Cancel safety
    /// Safe: the executions run on, and it may be called again.
    pub async fn drain(&self) {
        self.idempotency().drain().await;
    }
}

impl From<Options<Parts>> for IdempotencyLayer {
    fn from(options: Options<Parts>) -> Self {
        Self { options }
    }
}

impl From<Idempotency> for IdempotencyLayer {
    fn from(idempotency: Idempotency) -> Self {
        Options::from(idempotency).into()
    }
}

impl<S> Layer<S> for IdempotencyLayer {
    type Service = IdempotencyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        IdempotencyService::new(inner, self.options.clone())
    }
}
