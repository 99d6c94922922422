#![forbid(unsafe_code)]
// Cases are tests: their names say what they check, and they may unwrap.
#![allow(missing_docs, clippy::unwrap_used)]
//! What a client sees of an adapter over a socket, as a test suite.
//!
//! These cases look behind the server: they count runs, hold handlers at a gate, break the store or
//! drain the layer. Anything that a client can find out by itself is a scenario of
//! `idem-conformance` instead, which drives every adapter too.
//!
//! A server implements [`Adapter`], usually in about 80 lines, and calls [`http_tests!`] once with
//! the type that does. With the features `axum` and `actix`, a store needs no more than [`Records`].
//!
//! Each case becomes a `#[test]` in the module of its group, so every server runs a new case at once.

pub mod cases;
pub mod layers;

mod adapter;
mod client;
mod effects;
mod hang_up;
mod market;
#[cfg(feature = "actix")]
mod on_actix;
#[cfg(feature = "axum")]
mod on_axum;
#[cfg(unix)]
mod orders_example;
mod patience;
mod records;
mod server;
mod store_calls;
mod suite;

pub use crate::{
    adapter::Adapter,
    client::{Answer, send},
    effects::Effects,
    hang_up::{HandedOver, begin, hang_up, observed_on},
    market::{Body, Reply, Request, lease, tenant},
    patience::{NEVER, until},
    records::Records,
    server::Server,
    store_calls::StoreCalls,
    suite::CASES,
};

#[cfg(unix)]
pub use crate::orders_example::an_order_that_is_sent_twice_is_placed_once;

#[cfg(feature = "actix")]
pub use crate::on_actix::{Actix, serve_actix_app, serve_actix_until_stopped};
#[cfg(feature = "axum")]
pub use crate::on_axum::{Axum, serve_app};
#[doc(hidden)]
pub use crate::suite::{tasks, threads};
