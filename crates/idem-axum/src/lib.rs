#![forbid(unsafe_code)]
//! `Idempotency-Key` for axum, and for other tower services.
//!
//! ```
//! use axum::{Router, routing::post};
//! use idem_axum::IdempotencyLayer;
//! use idem_core::MemoryStore;
//!
//! # async fn create_order() -> &'static str { "" }
//! let idempotency = IdempotencyLayer::new(MemoryStore::new());
//! let app: Router = Router::new().route("/orders", post(create_order)).layer(idempotency);
//! ```
//!
//! A whole server to copy, with its shutdown, is `examples/orders.rs` in the repository:
//! `cargo run -p idem-axum --example orders`.
//!
//! A `POST` or `PATCH` that carries the header runs its handler once; a duplicate gets the
//! identical response, an error (another payload), or the word that the original is still running.
//! Requests without the header, and other methods, pass through untouched. What is refused, kept
//! and compared is the [policy's](idem_core::Policy) to say:
//!
//! ```
//! use std::time::Duration;
//! use axum::http::request::Parts;
//! use idem_axum::IdempotencyLayer;
//! use idem_core::{MemoryStore, Policy, Scope};
//!
//! #[derive(Clone)]
//! struct Tenant(String);
//!
//! let idempotency = IdempotencyLayer::new(MemoryStore::new())
//!     .policy(Policy::ietf().retention(Duration::from_secs(24 * 60 * 60)))
//!     // An authentication layer outside this one has put the tenant there.
//!     .scope(|head: &Parts| head.extensions.get::<Tenant>().map(|tenant| Scope::from(&*tenant.0)));
//! ```
//!
//! # Where to put the layer
//! Inside every layer that may refuse a request (authentication, limits) or that belongs to one exchange:
//! compression, CORS, timeouts, traces, request ids. Those then see refusals and replays too, and the
//! record holds the plain response. Inside a nested router the original path counts.
//!
//! Where a key is required, put the layer on the method, before the route's other methods. On a whole
//! router it asks for a key before the router can answer 404 or 405:
//!
//! ```
//! use axum::{Router, routing::post};
//! use idem_axum::IdempotencyLayer;
//! use idem_core::{MemoryStore, Policy};
//!
//! # async fn create_order() {}
//! # async fn list_orders() {}
//! let required = IdempotencyLayer::new(MemoryStore::new()).policy(Policy::ietf());
//! let orders = post(create_order).route_layer(required).get(list_orders);
//! let app: Router = Router::new().route("/orders", orders);
//! ```
//!
//! The guide's page on layers (`docs/guide/layers.md` in the repository) has each common layer of axum and
//! tower-http: where it goes, why, what happens in the wrong order, and a complete stack.
//!
//! The layer may stand twice on a request's way, on a router and on one of its routes: the outer one protects it, and
//! the inner one lets it through.
//!
//! # Other tower services
//! The service under the layer takes `http::Request<axum::body::Body>`, since under a key it gets a body that was read
//! before. Requests may come with any body whose data is `Bytes`, such as hyper's `Incoming` or `Full<Bytes>`, and responses
//! may have any such body; the layer's own have axum's. Put tower-http's `MapRequestBodyLayer` between the layer and a service
//! that takes another body.
//!
//! # What the handler sees
//! The request as it came, its body read before. [`CurrentExecution`](idem_core::CurrentExecution)
//! is in the request's extensions if it is protected: take `Option<Extension<CurrentExecution>>`.
//!
//! # Shutdown
//! Handlers whose client hung up run on in tasks. Call [`IdempotencyLayer::drain`] when
//! `axum::serve` has returned, before the runtime ends.

mod convert;
mod endpoint;
mod layer;
mod request_body;
mod response_body;
mod service;

pub use crate::{layer::IdempotencyLayer, service::IdempotencyService};
