//! The market in axum.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::{Body as AxumBody, Bytes},
    extract::State,
    http::{HeaderName, HeaderValue, Method, Uri, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::stream;
use idem_axum::IdempotencyLayer;
use idem_conformance::{Report, Suite};
use idem_core::{MemoryStore, Policy, Scope};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    policies::{TENANT, excluding, policy, short},
    profiles::{profile, profiles},
    routes::{Body, Market, Reply},
};

fn layer(policy: Policy) -> IdempotencyLayer {
    let tenant = |head: &Parts| {
        let tenant = head.headers.get(TENANT)?.to_str().ok()?;
        Some(Scope::from(tenant))
    };
    IdempotencyLayer::new(MemoryStore::new())
        .policy(policy)
        .scope(tenant)
}

fn market(conventions: &str) -> Router {
    let policy = policy(conventions);
    Router::new()
        .route(
            "/excluded",
            any(handle).layer(layer(excluding(policy.clone()))),
        )
        .route("/short", any(handle).layer(layer(short(policy.clone()))))
        .merge(
            Router::new()
                .route("/{*path}", any(handle))
                .layer(layer(policy)),
        )
        .with_state(Arc::new(Market::default()))
        .layer(CatchPanicLayer::new())
}

async fn handle(
    State(market): State<Arc<Market>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let Reply {
        delay,
        panics,
        status,
        headers,
        body,
    } = market.reply(method.as_str(), target, &body);
    tokio::time::sleep(delay).await;
    assert!(!panics, "a planted panic");
    let mut response = match body {
        Body::Whole(bytes) => AxumBody::from(bytes),
        Body::Stream(pieces) => {
            AxumBody::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
        }
    }
    .into_response();
    *response.status_mut() = status.try_into().unwrap();
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).unwrap();
        response
            .headers_mut()
            .append(HeaderName::from_static(name), value);
    }
    response
}

/// Starts the market and gives its base URL.
async fn start(conventions: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = market(conventions);
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn run(conventions: &str, seed: u64) -> Report {
    let suite = Suite::new(&start(conventions).await, profile(conventions)).unwrap();
    suite.seed(seed).run().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_axum_adapter_passes_every_scenario_in_every_profile() {
    for profile in profiles() {
        let report = run(profile.name(), 1).await;
        assert!(report.is_conformant(), "{}", report.to_text());
        assert_eq!(
            report.passed().count(),
            report.outcomes().len(),
            "{}",
            report.to_text()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_answer_one_seed_with_the_same_bytes() {
    let (one, other) = (run("ietf", 7).await, run("ietf", 7).await);
    assert_eq!(one.transcript(), other.transcript());
    assert_ne!(one.transcript(), run("ietf", 8).await.transcript());
}
