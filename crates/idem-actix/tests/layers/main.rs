//! Where the middleware belongs among others, over a real socket: what the right order does, and what goes wrong in the
//! other.
//!
//! Each test is a row of `docs/guide/layers.md`, which names it.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

/// Serves an app with two workers. A macro, since each stack of middlewares is another type.
macro_rules! serve {
    ($app:expr) => {{
        let effects = idem_http_tests::Effects::default();
        let data = actix_web::web::Data::new(effects.clone());
        let server = actix_web::HttpServer::new(move || $app.app_data(data.clone()))
            .workers(2)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        idem_http_tests::Server::at(address, effects)
    }};
}

/// Serves two apps under our middleware and another one: first with the other outside, then with it inside.
macro_rules! orders {
    ($policy:expr, $other:expr, $routes:expr) => {{
        let layer = crate::idempotency($policy);
        let right = serve!(
            actix_web::App::new()
                .wrap(layer.clone())
                .wrap($other)
                .service($routes)
        );
        let layer = crate::idempotency($policy);
        let wrong = serve!(
            actix_web::App::new()
                .wrap($other)
                .wrap(layer.clone())
                .service($routes)
        );
        [right, wrong]
    }};
}

mod bodies;
mod browsers;
mod callers;
mod failures;
mod paths;
mod placement;
mod traces;

use actix_web::{Resource, web};
use idem_actix::IdempotencyMiddleware;
use idem_core::{MemoryStore, Policy};
use idem_http_tests::Effects;

/// The middleware with a store of its own.
fn idempotency(policy: Policy) -> IdempotencyMiddleware {
    IdempotencyMiddleware::new(MemoryStore::new()).policy(policy)
}

/// One route, whose answers count its runs.
fn goats() -> Resource {
    web::resource("/goats").route(web::post().to(buy))
}

async fn buy(effects: web::Data<Effects>, _: web::Bytes) -> String {
    let run = effects.run();
    // Long enough to be worth compressing.
    format!("order {run}: one goat of the mountains, with bell and collar. ").repeat(20)
}

/// One route that answers once the gate lets it.
fn gated() -> Resource {
    web::resource("/goats").route(web::post().to(wait))
}

async fn wait(effects: web::Data<Effects>) -> String {
    let run = effects.run();
    effects.pass_gate().await;
    format!("order {run}")
}
