//! Layers that say who calls, and what of a caller may be logged.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, StatusCode},
    middleware::{Next, from_fn},
    response::IntoResponse,
};
use idem_core::Policy;
use idem_http_tests::{layers, send};
use tower_http::{sensitive_headers::SetSensitiveRequestHeadersLayer, trace::TraceLayer};
use tracing::Span;

use crate::{goats, idempotency, orders};

#[tokio::test]
async fn authentication_outside_gives_no_replay_to_a_revoked_token() {
    let is_revoked = Arc::new(AtomicBool::new(false));
    let authenticate = || {
        let is_revoked = Arc::clone(&is_revoked);
        from_fn(move |request: Request, next: Next| {
            let is_revoked = is_revoked.load(Ordering::SeqCst);
            async move {
                if is_revoked {
                    return StatusCode::UNAUTHORIZED.into_response();
                }
                next.run(request).await
            }
        })
    };
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| goats(effects).layer(layer()).layer(authenticate()),
        |effects| goats(effects).layer(authenticate()).layer(layer()),
    );
    let revoke = || is_revoked.store(true, Ordering::SeqCst);
    layers::authentication(servers.await, revoke).await;
}

// S61
#[tokio::test]
async fn sensitive_headers_outside_the_trace_keep_the_key_out_of_the_log() {
    let logs: [Arc<Mutex<String>>; 2] = Default::default();
    let trace = |log: &Arc<Mutex<String>>| {
        let log = Arc::clone(log);
        TraceLayer::new_for_http().make_span_with(move |request: &Request<Body>| {
            log.lock()
                .unwrap()
                .push_str(&format!("{:?}", request.headers()));
            Span::none()
        })
    };
    let sensitive =
        || SetSensitiveRequestHeadersLayer::new([HeaderName::from_static("idempotency-key")]);
    let layer = || idempotency(Policy::reference());
    let [right, wrong] = orders(
        |effects| {
            goats(effects)
                .layer(layer())
                .layer(trace(&logs[0]))
                .layer(sensitive())
        },
        |effects| {
            goats(effects)
                .layer(layer())
                .layer(sensitive())
                .layer(trace(&logs[1]))
        },
    )
    .await;
    for (server, log, is_raw) in [(right, &logs[0], false), (wrong, &logs[1], true)] {
        send(server.post("/goats", "a-raw-key", "{}")).await;
        assert!(
            send(server.post("/goats", "a-raw-key", "{}"))
                .await
                .is_replay()
        );
        let log = log.lock().unwrap();
        assert!(log.contains("idempotency-key"), "{log}");
        assert_eq!(log.contains("a-raw-key"), is_raw, "{log}");
    }
}
