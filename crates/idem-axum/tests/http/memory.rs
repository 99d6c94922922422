//! What needs a store of bounded size, or a clock that the test moves.

use std::time::Duration;

use axum::{Router, body::Body, http::Request, routing::post};
use idem_axum::IdempotencyLayer;
use idem_core::{MemoryLimits, MemoryStore, Policy};
use idem_http_tests::{Adapter, Server, send};
use tower::ServiceExt;

use crate::Axum;

fn app(policy: Policy) -> Router {
    let slow = || async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        "done"
    };
    let layer = IdempotencyLayer::new(MemoryStore::new()).policy(policy);
    Router::new().route("/slow", post(slow)).layer(layer)
}

async fn is_replay(app: &Router) -> bool {
    let request = Request::post("/slow")
        .header("idempotency-key", "k")
        .body(Body::empty());
    let response = app.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    response.headers().contains_key("idempotency-replayed")
}

// S55
#[tokio::test(start_paused = true)]
async fn a_response_is_replayed_for_60_minutes_from_its_completion() {
    const RETENTION: Duration = Duration::from_secs(60 * 60);
    let app = app(Policy::reference());
    assert!(!is_replay(&app).await, "the first runs, for 20 s");
    tokio::time::advance(RETENTION - Duration::from_millis(2)).await;
    assert!(is_replay(&app).await, "just before the retention's end");
    tokio::time::advance(Duration::from_millis(10)).await;
    assert!(!is_replay(&app).await, "after it");
}

// S57
#[tokio::test]
async fn a_full_store_refuses_before_anything_runs_and_drops_nothing() {
    let store = MemoryStore::with_limits(MemoryLimits::default().records(2));
    let server = Server::with_layer(Axum::new(store, Policy::reference())).await;
    for key in ["a", "b"] {
        assert_eq!(send(server.post("/orders", key, "{}")).await.status, 201);
    }
    let refused = send(server.post("/orders", "c", "{}")).await;
    assert_eq!(refused.status, 503);
    assert_eq!(
        refused.header("idempotency-refusal"),
        Some("idempotency-store-unavailable")
    );
    assert!(refused.header("retry-after").is_some());
    assert!(!refused.text().contains("full"), "{}", refused.text());
    assert_eq!(server.effects.runs(), 2);
    for key in ["a", "b"] {
        assert!(send(server.post("/orders", key, "{}")).await.is_replay());
    }
}
