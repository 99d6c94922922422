//! What a server brings to the suite.

use std::{future::Future, net::SocketAddr};

use idem_core::{IdempotencyStore, Policy};

use crate::Effects;

/// An adapter's layer, or middleware, and how to put the suite's market behind it.
pub trait Adapter: Clone {
    /// An empty store. Clones share their records.
    fn store() -> impl IdempotencyStore + Clone;

    /// A layer on a store under a policy.
    ///
    /// Its scope rule is [`tenant`](crate::tenant) and its lease rule is [`lease`](crate::lease),
    /// which say nothing about a request without their headers.
    fn new(store: impl IdempotencyStore, policy: Policy) -> Self;

    /// Another layer on the same store.
    #[must_use]
    fn under(&self, policy: Policy) -> Self;

    /// The layer's drain.
    fn drain(&self) -> impl Future<Output = ()>;

    /// Serves the market under the layer, on a port of its own: any method, any path.
    fn serve(self, effects: Effects) -> impl Future<Output = SocketAddr>;

    /// Serves the market at `/nested`, under an outer layer and, on a router or scope within it, an
    /// inner one.
    fn serve_nested(outer: Self, inner: Self, effects: Effects)
    -> impl Future<Output = SocketAddr>;
}
