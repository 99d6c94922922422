//! The market in axum.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body as AxumBody, Bytes},
    extract::State,
    http::{HeaderName, HeaderValue, Method, Uri, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use idem_axum::IdempotencyLayer;
use idem_core::{MemoryStore, Policy, Scope};
use tokio::net::TcpListener;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};

use crate::{
    policies::{TENANT, excluding, policy, short},
    routes::{Body, Market, OUTSIDE_LIMIT, Reply},
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
    let all = layer(policy.clone());
    let again = all.clone().policy(short(policy.clone()));
    Router::new()
        .merge(
            Router::new()
                .route("/limited", any(handle).layer(all.clone()))
                .layer(RequestBodyLimitLayer::new(OUTSIDE_LIMIT)),
        )
        .route(
            "/excluded",
            any(handle).layer(layer(excluding(policy.clone()))),
        )
        .route("/short", any(handle).layer(layer(short(policy))))
        .merge(
            Router::new()
                .route("/twice", any(handle).layer(again))
                .route("/{*path}", any(handle))
                .layer(all),
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
    let reply = market.reply(method.as_str(), target, &body);
    reply.wait().await;
    let Reply {
        status,
        headers,
        body,
        ..
    } = reply;
    let mut response = match body {
        Body::Whole(bytes) => AxumBody::from(bytes),
        stream => AxumBody::from_stream(stream.pieces()),
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

/// Starts the market and gives its base URL, in which it has a path of its own.
pub(crate) async fn start(conventions: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().nest("/v1", market(conventions));
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/v1")
}
