#![forbid(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! `Idempotency-Key` for actix-web.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use idem_actix::{IdempotencyMiddleware, MemoryStore};
//!
//! # async fn create_order() -> &'static str { "" }
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     // Before the closure: a middleware made inside would have one store a worker.
//!     let idempotency = IdempotencyMiddleware::new(MemoryStore::new());
//!     HttpServer::new(move || {
//!         let orders = web::resource("/orders").wrap(idempotency.clone());
//!         App::new().service(orders.route(web::post().to(create_order)))
//!     })
//!     .bind(("127.0.0.1", 3000))?
//!     .run()
//!     .await
//! }
//! ```
//!
//! A whole server to copy, with its shutdown, is `examples/orders.rs` in the repository:
//! `cargo run -p idem-actix --example actix_orders`.
//!
//! A `POST` or `PATCH` that carries the header runs its handler once. A duplicate gets the identical response,
//! an error (another payload), or "in progress" while the original is still running. Requests without the
//! header, and other methods, pass through untouched. The [policy](Policy) decides what is refused, kept and
//! compared:
//!
//! ```
//! use std::time::Duration;
//! use actix_web::{HttpMessage, dev::ServiceRequest, http::StatusCode};
//! use idem_actix::{IdempotencyMiddleware, MemoryStore, Policy, Scope};
//!
//! #[derive(Clone)]
//! struct Tenant(String);
//!
//! let policy = Policy::ietf()
//!     .retention(Duration::from_secs(24 * 60 * 60))
//!     // In this API a 409 is final: sold out.
//!     .save_when(|status, _| status < 400 || status == StatusCode::CONFLICT);
//! let idempotency = IdempotencyMiddleware::new(MemoryStore::new())
//!     .policy(policy)
//!     // An authentication middleware outside this one has put the tenant there.
//!     .scope(|request: &ServiceRequest| {
//!         let extensions = request.extensions();
//!         extensions.get::<Tenant>().map(|tenant| Scope::from(&tenant.0))
//!     });
//! ```
//!
//! This crate's root has the names that you need on the first day, and it re-exports [`idem_core`], so an
//! application needs no other crate of this family until it chooses a store.
//!
//! # Features
//! `metrics` counts events through the `metrics` facade. It is not on by default. The oldest supported Rust is
//! 1.89, because actix-web needs it.
//!
//! # Where next
//! - [`idem_core`]'s module `guide` has a tutorial, how-to pages and a reference, and says what happens in a crash.
//! - A store that outlives the process: `idem-sqlx` (PostgreSQL, SQLite) and `idem-dynamodb`, both with effect
//!   and record in one commit; `idem-redis` (Redis, Valkey); `idem-momento`.
//! - Tests of your service from outside: `idem-conformance`.
//!
//! # Where to put the middleware
//! On an `App`, a scope, a resource or a route, inside all middleware that may refuse a request
//! (authentication, limits) or that belongs to one exchange: `Compress`, CORS, timeouts, `Logger`. Those then
//! also see refusals and replays, and the record holds the plain response. The middleware that is wrapped last
//! is the outermost.
//!
//! If a key is required, wrap the route. On an `App`, a scope or a resource, the middleware asks for a key
//! before actix-web can answer 404 or 405:
//!
//! ```
//! use actix_web::web;
//! use idem_actix::{IdempotencyMiddleware, MemoryStore, Policy};
//!
//! # async fn create_order() -> &'static str { "" }
//! let required = IdempotencyMiddleware::new(MemoryStore::new()).policy(Policy::ietf());
//! let orders = web::resource("/orders").route(web::post().to(create_order).wrap(required));
//! ```
//!
//! The guide's page on layers, in `idem_core::guide::layers`, has each common middleware: where
//! it goes, why, what happens in the wrong order, and a complete stack.
//!
//! A request may pass the middleware twice, on an app and on one of its resources: the outer one protects it,
//! and the inner one passes it on.
//!
//! # Its types have names
//! A struct can hold the middleware, and a service of your own can hold the [`IdempotencyService`] that it
//! makes. A function can return an app or a scope that is wrapped in it, with the body type of the middleware's
//! responses:
//!
//! ```
//! use actix_web::{
//!     App, Error, Resource,
//!     body::{BoxBody, EitherBody},
//!     dev::{ServiceFactory, ServiceRequest, ServiceResponse},
//!     web,
//! };
//! use idem_actix::{IdempotencyMiddleware, IdempotencyService, MemoryStore};
//!
//! struct Market {
//!     idempotency: IdempotencyMiddleware,
//! }
//!
//! impl Market {
//!     fn orders(
//!         &self,
//!     ) -> Resource<
//!         impl ServiceFactory<
//!             ServiceRequest,
//!             Config = (),
//!             Response = ServiceResponse<EitherBody<BoxBody>>,
//!             Error = Error,
//!             InitError = (),
//!         > + use<>,
//!     > {
//!         let orders = web::resource("/orders").route(web::post().to(create_order));
//!         orders.wrap(self.idempotency.clone())
//!     }
//! }
//!
//! /// Middleware of your own that measures the services under it.
//! struct Measured<S> {
//!     inner: IdempotencyService<S>,
//! }
//!
//! # async fn create_order() -> &'static str { "" }
//! let market = Market { idempotency: IdempotencyMiddleware::new(MemoryStore::new()) };
//! let app = App::new().service(market.orders());
//! ```
//!
//! # What the handler sees
//! The request as it came, with its body already in memory. [`CurrentExecution`] is in the
//! request's extensions if it is protected: take `Option<web::ReqData<CurrentExecution>>`. Handlers need not be
//! `Send`: they run, and after a hang-up run on, on their worker's thread. That needs a `LocalSet`, which every worker of
//! actix-web has. A service that you call yourself under a plain `#[tokio::main]` has none: a call that is
//! dropped there ends, and its key stays taken until its lease runs out.
//!
//! # Shutdown
//! A worker that stops takes its handlers with it, including those whose client hung up. So let executions end
//! first, and then stop the server. From the call of [`drain`](IdempotencyMiddleware::drain) on, requests under
//! a key are refused with 503.
//!
//! ```no_run
//! # use actix_web::{App, HttpServer, rt};
//! # use idem_actix::{IdempotencyMiddleware, MemoryStore};
//! # #[actix_web::main]
//! # async fn main() -> std::io::Result<()> {
//! # let idempotency = IdempotencyMiddleware::new(MemoryStore::new());
//! # let app = || App::new();
//! let server = HttpServer::new(app).disable_signals().bind(("127.0.0.1", 3000))?.run();
//! let stopping = server.handle();
//! rt::spawn(async move {
//!     rt::signal::ctrl_c().await.expect("signals can be listened for");
//!     idempotency.drain().await;
//!     stopping.stop(true).await;
//! });
//! server.await
//! # }
//! ```

mod convert;
mod endpoint;
mod middleware;
mod request_body;
mod response_body;
mod service;

pub use idem_core;
#[doc(no_inline)]
pub use idem_core::{
    CurrentExecution, Idempotency, KeyRequirement, LeaseTerm, MemoryStore, Policy, Scope,
};

pub use crate::{middleware::IdempotencyMiddleware, service::IdempotencyService};
