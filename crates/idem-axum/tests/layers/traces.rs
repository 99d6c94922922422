//! Layers that tell of each request: its id, and what became of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::Response};
use idem_core::Policy;
use idem_http_tests::{layers, send};
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};
use tracing::Span;

use crate::{goats, idempotency, orders};

fn with_ids(app: Router) -> Router {
    app.layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

#[tokio::test]
async fn request_ids_outside_give_a_replay_its_own_id() {
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| with_ids(goats(effects).layer(layer())),
        |effects| with_ids(goats(effects)).layer(layer()),
    )
    .await;
    for (server, id) in [(&servers[0], "second"), (&servers[1], "first")] {
        let buy = |id| send(server.post("/goats", "k", "{}").header("x-request-id", id));
        assert_eq!(buy("first").await.header("x-request-id"), Some("first"));
        let replay = buy("second").await;
        assert!(replay.is_replay());
        assert_eq!(replay.values("x-request-id"), [id.as_bytes()]);
    }
}

#[tokio::test]
async fn a_trace_outside_sees_refusals_and_replays() {
    let seen: [Arc<AtomicUsize>; 2] = Default::default();
    let trace = |at: usize| {
        let seen = Arc::clone(&seen[at]);
        let count = move |_: &Response<axum::body::Body>, _: Duration, _: &Span| {
            seen.fetch_add(1, Ordering::SeqCst);
        };
        TraceLayer::new_for_http().on_response(count)
    };
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| goats(effects).layer(layer()).layer(trace(0)),
        |effects| goats(effects).layer(trace(1)).layer(layer()),
    );
    layers::a_trace(servers.await, &seen).await;
}
