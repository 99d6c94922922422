//! The market in axum, with the records in any store.

use std::{marker::PhantomData, net::SocketAddr};

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
use tokio::net::TcpListener;

use crate::{Adapter, Body as ReplyBody, Effects, Records, Request, lease, tenant};

/// The market in axum, to be given to [`http_tests!`](crate::http_tests).
#[derive(Clone, Debug)]
pub struct Axum<R>(IdempotencyLayer, PhantomData<R>);

impl<R: Records> Adapter for Axum<R> {
    fn store() -> impl IdempotencyStore + Clone {
        R::store()
    }

    fn new(store: impl IdempotencyStore, policy: Policy) -> Self {
        let rules = IdempotencyLayer::new(store)
            .scope(|head: &Parts| tenant(header(head)))
            .lease(|head: &Parts| lease(header(head)));
        Self(rules.policy(policy), PhantomData)
    }

    fn under(&self, policy: Policy) -> Self {
        Self(self.0.clone().policy(policy), PhantomData)
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

/// Serves a router on a port of its own.
///
/// # Panics
/// If there is no port.
pub async fn serve_app(app: Router) -> SocketAddr {
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
        ReplyBody::Whole(bytes) => Body::from(bytes),
        ReplyBody::Stream(stream) => Body::from_stream(stream),
    });
    *response.status_mut() = reply.status.try_into().unwrap();
    for (name, value) in reply.headers {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_bytes(&value).unwrap();
        response.headers_mut().append(name, value);
    }
    response
}
