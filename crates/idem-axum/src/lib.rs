#![forbid(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! `Idempotency-Key` for axum, and for other tower services.
//!
//! ```
//! use axum::{Router, routing::post};
//! use idem_axum::{IdempotencyLayer, MemoryStore};
//!
//! # async fn create_order() -> &'static str { "" }
//! let idempotency = IdempotencyLayer::new(MemoryStore::new());
//! let app: Router = Router::new().route("/orders", post(create_order)).layer(idempotency);
//! ```
//!
//! A whole server to copy, with its shutdown, is `examples/orders.rs` in the repository:
//! `cargo run -p idem-axum --example orders`.
//!
//! A `POST` or `PATCH` that carries the header runs its handler once. A duplicate gets the identical response,
//! an error (another payload), or "in progress" while the original is still running. Requests without the
//! header, and other methods, pass through untouched. The [policy](Policy) decides what is refused, kept and
//! compared:
//!
//! ```
//! use std::time::Duration;
//! use axum::http::{StatusCode, request::Parts};
//! use idem_axum::{IdempotencyLayer, MemoryStore, Policy, Scope};
//!
//! #[derive(Clone)]
//! struct Tenant(String);
//!
//! let policy = Policy::ietf()
//!     .retention(Duration::from_secs(24 * 60 * 60))
//!     // In this API a 409 is final: sold out.
//!     .save_when(|status, _| status < 400 || status == StatusCode::CONFLICT);
//! let idempotency = IdempotencyLayer::new(MemoryStore::new())
//!     .policy(policy)
//!     // An authentication layer outside this one has put the tenant there.
//!     .scope(|head: &Parts| head.extensions.get::<Tenant>().map(|tenant| Scope::from(&tenant.0)));
//! ```
//!
//! This crate's root has the names that you need on the first day, and it re-exports [`idem_core`], so an
//! application needs no other crate of this family until it chooses a store.
//!
//! # Features
//! `metrics` counts events through the `metrics` facade. It is not on by default. The oldest supported Rust is
//! 1.85.
//!
//! # Where next
//! - [`idem_core`]'s module `guide` has a tutorial, how-to pages and a reference, and says what happens in a crash.
//! - A store that outlives the process: `idem-sqlx` (PostgreSQL, SQLite) and `idem-dynamodb`, both with effect
//!   and record in one commit; `idem-redis` (Redis, Valkey); `idem-momento`.
//! - Tests of your service from outside: `idem-conformance`.
//!
//! # Where to put the layer
//! Inside every layer that may refuse a request (authentication, limits) or that belongs to one exchange:
//! compression, CORS, timeouts, traces, request ids. Those then also see refusals and replays, and the record
//! holds the plain response. Inside a nested router, the original path counts.
//!
//! If a key is required, put the layer on the method, before the route's other methods. On a whole router, it
//! asks for a key before the router can answer 404 or 405:
//!
//! ```
//! use axum::{Router, routing::post};
//! use idem_axum::{IdempotencyLayer, MemoryStore, Policy};
//!
//! # async fn create_order() {}
//! # async fn list_orders() {}
//! let required = IdempotencyLayer::new(MemoryStore::new()).policy(Policy::ietf());
//! let orders = post(create_order).route_layer(required).get(list_orders);
//! let app: Router = Router::new().route("/orders", orders);
//! ```
//!
//! The guide's page on layers, in `idem_core::guide::layers`, has each common layer of axum and
//! tower-http: where it goes, why, what happens in the wrong order, and a complete stack.
//!
//! A request may pass the layer twice, on a router and on one of its routes: the outer one protects it, and the
//! inner one passes it on.
//!
//! # Other tower services
//! The layer protects any tower service that takes `http::Request<axum::body::Body>` and is `Clone`, `Send` and `Sync`, as
//! axum asks too: of tower's boxed services, use `BoxCloneSyncService`. The body's type is axum's because the layer has
//! already read the body of a request with a key. Put tower-http's `MapRequestBodyLayer` between the
//! layer and a service that takes another body.
//!
//! Requests may come to the layer with any body whose data is `Bytes`, such as hyper's `Incoming` or `Full<Bytes>`, and
//! the service may answer with any such body. The layer's own responses have axum's.
//!
//! # Its types have names
//! A struct can hold the layer or a protected service, and a function can return them:
//!
//! ```
//! use axum::{Router, routing::post};
//! use idem_axum::{IdempotencyLayer, IdempotencyService, MemoryStore};
//! use tower::Layer;
//!
//! struct Market {
//!     /// Kept to [drain](IdempotencyLayer::drain) it at shutdown.
//!     idempotency: IdempotencyLayer,
//!     orders: IdempotencyService<Router>,
//! }
//!
//! fn protected<S>(idempotency: &IdempotencyLayer, inner: S) -> IdempotencyService<S> {
//!     idempotency.layer(inner)
//! }
//!
//! # async fn create_order() -> &'static str { "" }
//! let idempotency = IdempotencyLayer::new(MemoryStore::new());
//! let routes = Router::new().route("/", post(create_order));
//! let orders = protected(&idempotency, routes);
//! let market = Market { idempotency, orders };
//! let app: Router = Router::new().nest_service("/orders", market.orders);
//! ```
//!
//! # What the handler sees
//! The request as it came, with its body already in memory. [`CurrentExecution`] is in the
//! request's extensions if it is protected: take `Option<Extension<CurrentExecution>>`.
//!
//! # Shutdown
//! Handlers whose client hung up run on in tasks. Call [`IdempotencyLayer::drain`] when `axum::serve` has returned, before
//! the runtime ends. From then on, requests under a key are refused with 503.

mod convert;
mod endpoint;
mod layer;
mod request_body;
mod response_body;
mod service;

pub use idem_core;
#[doc(no_inline)]
pub use idem_core::{
    CurrentExecution, Idempotency, KeyRequirement, LeaseTerm, MemoryStore, Policy, Scope,
};

pub use crate::{layer::IdempotencyLayer, service::IdempotencyService};
