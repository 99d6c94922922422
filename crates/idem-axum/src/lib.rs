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
//! Inside authentication and rate limits, so that their refusals are not kept and cost no store
//! call. Inside compression too: what is recorded is then the plain response, and each duplicate's
//! own `Accept-Encoding` counts. A timeout outside the layer answers its client in time, and cancels
//! nothing. On a nested router the path that counts is the original one.
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
mod exchange;
mod layer;
mod request_body;
mod response_body;
mod service;

pub use crate::{layer::IdempotencyLayer, service::IdempotencyService};
