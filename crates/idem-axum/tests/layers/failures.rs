//! A handler that takes too long, and a handler that panics.

use std::time::Duration;

use axum::{Router, http::StatusCode, routing::post};
use idem_core::Policy;
use idem_http_tests::{Effects, layers, send};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::{gated, idempotency, orders};

fn timeout() -> TimeoutLayer {
    let at_most = Duration::from_millis(100);
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, at_most)
}

// S45
#[tokio::test]
async fn a_timeout_outside_answers_in_time_and_cancels_nothing() {
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| gated(effects).layer(layer()).layer(timeout()),
        |effects| gated(effects).layer(timeout()).layer(layer()),
    );
    layers::a_timeout(servers.await).await;
}

#[tokio::test]
async fn a_timeout_between_two_layers_cuts_the_handler_off() {
    let layer = idempotency(Policy::reference());
    let servers = orders(
        |effects| {
            let twice = gated(effects).layer(layer.clone()).layer(layer.clone());
            twice.layer(timeout())
        },
        |effects| {
            let inner = gated(effects).layer(layer.clone());
            inner.layer(timeout()).layer(layer.clone())
        },
    );
    layers::a_timeout_and_two_layers(servers.await).await;
}

// S44
#[tokio::test]
async fn catch_panic_outside_frees_the_key_of_a_handler_that_panics_in_every_profile() {
    let panics_once = |effects: Effects| {
        let handler = move || async move {
            assert!(effects.run() > 1, "a planted panic");
            "done"
        };
        Router::new().route("/goats", post(handler))
    };
    for (policy, is_kept_inside) in [(Policy::reference(), false), (Policy::stripe(), true)] {
        let [outside, inside] = orders(
            |effects| {
                let app = panics_once(effects).layer(idempotency(policy.clone()));
                app.layer(CatchPanicLayer::new())
            },
            |effects| {
                let app = panics_once(effects).layer(CatchPanicLayer::new());
                app.layer(idempotency(policy.clone()))
            },
        )
        .await;
        for (server, is_kept) in [(outside, false), (inside, is_kept_inside)] {
            assert_eq!(send(server.post("/goats", "k", "{}")).await.status, 500);
            let retry = send(server.post("/goats", "k", "{}")).await;
            let expected = if is_kept { 500 } else { 200 };
            assert_eq!((retry.status, retry.is_replay()), (expected, is_kept));
        }
    }
}
