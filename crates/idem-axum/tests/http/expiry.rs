//! Scenario 55: retention, through a router and on a clock that the test moves.

use std::time::Duration;

use axum::{Router, body::Body, http::Request, routing::post};
use idem_axum::IdempotencyLayer;
use idem_core::{MemoryStore, Policy};
use tower::ServiceExt;

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
