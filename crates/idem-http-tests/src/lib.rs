#![forbid(unsafe_code)]
// Cases are tests: their names say what they check, and they may unwrap.
#![allow(missing_docs, clippy::unwrap_used)]
//! What a client sees of an adapter over a socket, as a test suite.
//!
//! These cases need to look behind the server: they count what ran, hold handlers at a gate, let
//! the store fail or drain the layer. Anything that a client alone can find out is a scenario of
//! `idem-conformance` instead, which runs against every adapter too.
//!
//! A server implements [`Adapter`], usually in about 80 lines, and calls [`http_tests!`] once:
//!
//! ```ignore
//! idem_http_tests::http_tests!(market::Axum);
//! ```
//!
//! Each case becomes a `#[test]`, in a module for each group, so that a new case is run for every
//! server at once.

pub mod cases;

mod adapter;
mod client;
mod effects;
mod hang_up;
mod market;
mod patience;
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
    server::Server,
    store_calls::StoreCalls,
    suite::CASES,
};

#[doc(hidden)]
pub use crate::suite::{tasks, threads};
