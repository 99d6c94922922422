//! Where the layer belongs among others, over a real socket: what the right order does, and what goes wrong in the other.
//!
//! Each test is a row of `docs/guide/layers.md`, which names it.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod bodies;
mod browsers;
mod callers;
mod failures;
mod limits;
mod paths;
mod placement;
mod traces;

use axum::{Router, routing::post};
use idem_axum::IdempotencyLayer;
use idem_core::{MemoryStore, Policy};
use idem_http_tests::{Effects, Server, serve_app};

/// Serves two apps with the same layers: the right order first, the wrong one second.
async fn orders(
    right: impl FnOnce(Effects) -> Router,
    wrong: impl FnOnce(Effects) -> Router,
) -> [Server; 2] {
    [serve(right).await, serve(wrong).await]
}

async fn serve(app: impl FnOnce(Effects) -> Router) -> Server {
    let effects = Effects::default();
    Server::at(serve_app(app(effects.clone())).await, effects)
}

/// The layer with a store of its own.
fn idempotency(policy: Policy) -> IdempotencyLayer {
    IdempotencyLayer::new(MemoryStore::new()).policy(policy)
}

/// One route, whose answers count its runs; they are long enough to be worth compressing.
fn goats(effects: Effects) -> Router {
    let buy = move |_: axum::body::Bytes| async move {
        let run = effects.run();
        format!("order {run}: one goat of the mountains, with bell and collar")
    };
    Router::new().route("/goats", post(buy))
}

/// One route that answers once the gate lets it.
fn gated(effects: Effects) -> Router {
    let wait = move || async move {
        let run = effects.run();
        effects.pass_gate().await;
        format!("order {run}")
    };
    Router::new().route("/goats", post(wait))
}
