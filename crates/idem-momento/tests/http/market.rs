//! The suite's market in axum, with the records on a stand-in.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::Response,
    routing::any,
};
use idem_axum::IdempotencyLayer;
use idem_core::{CurrentExecution, IdempotencyStore, Policy};
use idem_http_tests::{Adapter, Effects, Request, lease, tenant};
use idem_momento::MomentoStore;
use momento_emulator::Emulator;
use tokio::net::TcpListener;

#[derive(Clone)]
pub(crate) struct Axum(IdempotencyLayer);

impl Adapter for Axum {
    fn store() -> impl IdempotencyStore + Clone {
        // It lives as long as the test's process, for nobody knows when the last request is done.
        let emulator = Box::leak(Box::new(Emulator::start().unwrap()));
        emulator.create_cache("requests");
        MomentoStore::new(emulator.client(Duration::from_secs(10)), "requests")
    }

    fn new(store: impl IdempotencyStore, policy: Policy) -> Self {
        let rules = IdempotencyLayer::new(store)
            .scope(|head: &Parts| tenant(header(head)))
            .lease(|head: &Parts| lease(header(head)));
        Self(rules.policy(policy))
    }

    fn under(&self, policy: Policy) -> Self {
        Self(self.0.clone().policy(policy))
    }

    async fn drain(&self) {
        self.0.drain().await;
    }

    async fn serve(self, effects: Effects) -> SocketAddr {
        serve_app(market(effects).layer(self.0)).await
    }

    async fn serve_nested(outer: Self, inner: Self, effects: Effects) -> SocketAddr {
        let inner = market(effects).layer(inner.0);
        serve_app(Router::new().nest("/nested", inner).layer(outer.0)).await
    }
}

fn header<'a>(head: &'a Parts) -> impl FnOnce(&str) -> Option<&'a [u8]> {
    |name| head.headers.get(name).map(HeaderValue::as_bytes)
}

async fn serve_app(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn market(effects: Effects) -> Router {
    Router::new()
        .route("/{*path}", any(handle))
        .with_state(effects)
}

async fn handle(
    State(effects): State<Effects>,
    Path(path): Path<String>,
    current: Option<Extension<CurrentExecution>>,
    headers: HeaderMap,
) -> Response {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let current = current.map(|Extension(current)| current);
    let reply = Request::new(path, headers, current);
    let reply = reply.reply(&effects).await;
    let mut response = Response::new(match reply.body {
        idem_http_tests::Body::Whole(bytes) => Body::from(bytes),
        idem_http_tests::Body::Stream(stream) => Body::from_stream(stream),
    });
    *response.status_mut() = reply.status.try_into().unwrap();
    for (name, value) in reply.headers {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_bytes(&value).unwrap();
        response.headers_mut().append(name, value);
    }
    response
}
