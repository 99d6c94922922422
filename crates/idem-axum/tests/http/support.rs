//! A small market behind the layer, and a client that speaks to it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use idem_axum::IdempotencyLayer;
use idem_core::Policy;
use reqwest::{Method, RequestBuilder};
use tokio::{net::TcpListener, sync::Semaphore};

pub(crate) use crate::store::store;

/// Both profiles that the scenarios tell apart, with the status of a mismatch and of "in progress".
pub(crate) fn profiles() -> [(Policy, u16, u16); 2] {
    let ietf = Policy::ietf().key_requirement(idem_core::KeyRequirement::Optional);
    [(Policy::reference(), 400, 202), (ietf, 422, 409)]
}

/// What the handlers share with the test.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    runs: Arc<AtomicUsize>,
    /// A handler at `/gated` takes one permit before it goes on.
    pub(crate) gate: Arc<Semaphore>,
}

impl Effects {
    fn new() -> Self {
        Self {
            runs: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) fn run(&self) -> usize {
        self.runs.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// How many times any handler ran.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// Waits until a handler has run this often.
    pub(crate) async fn wait_for_runs(&self, runs: usize) {
        while self.runs() < runs {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) effects: Effects,
    client: reqwest::Client,
}

impl Server {
    /// The market under a policy, with a store of its own.
    pub(crate) async fn start(policy: Policy) -> Self {
        Self::with_layer(IdempotencyLayer::new(store()).policy(policy)).await
    }

    pub(crate) async fn with_layer(layer: IdempotencyLayer) -> Self {
        let effects = Effects::new();
        let app = market().layer(layer).with_state(effects.clone());
        Self::serve(app, effects).await
    }

    pub(crate) async fn with_app(app: impl FnOnce(Effects) -> Router) -> Self {
        let effects = Effects::new();
        Self::serve(app(effects.clone()), effects).await
    }

    async fn serve(app: Router, effects: Effects) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            effects,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// A JSON request with a key.
    pub(crate) fn post(
        &self,
        path: &str,
        key: &str,
        json: impl Into<reqwest::Body>,
    ) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(json)
    }
}

/// What a client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(candidate, _)| candidate == name)?;
        std::str::from_utf8(value).ok()
    }

    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let lines = self
            .headers
            .iter()
            .filter(|(candidate, _)| candidate == name);
        lines.map(|(_, value)| value.as_slice()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }

    /// The answer without what may differ between an original and its replay.
    pub(crate) fn comparable(&self) -> Self {
        let mut answer = self.clone();
        answer
            .headers
            .retain(|(name, _)| name != "date" && name != "idempotency-replayed");
        // The order of different names has no meaning, that of equal names has.
        answer
            .headers
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        answer
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let body = response.bytes().await.expect("the body is whole").to_vec();
    Answer {
        status,
        headers,
        body,
    }
}

pub(crate) fn market() -> Router<Effects> {
    Router::new()
        .route(
            "/orders",
            post(order).patch(order).get(order).put(order).delete(order),
        )
        .route("/orders/{id}", post(order))
        .route("/gated", post(gated))
        .route("/status/{code}", post(status))
        .route("/empty", post(empty))
        .route("/created", post(created))
        .route("/binary", post(binary))
        .route("/headers", post(headers))
        .route(
            "/runs",
            get(|State(effects): State<Effects>| async move { effects.runs().to_string() }),
        )
}

/// Answers differently each time it runs, so that a replay can be told from a second run.
async fn order(State(effects): State<Effects>) -> Response {
    let id = effects.run();
    let location = format!("/orders/{id}");
    (
        StatusCode::CREATED,
        [("location", location)],
        Json(serde_json::json!({ "id": id })),
    )
        .into_response()
}

async fn gated(State(effects): State<Effects>) -> Response {
    let id = effects.run();
    effects.gate.acquire().await.unwrap().forget();
    (StatusCode::CREATED, Json(serde_json::json!({ "id": id }))).into_response()
}

/// Answers with the status in the path, or with 201 once the payload says that it is repaired.
async fn status(State(effects): State<Effects>, Path(code): Path<u16>, body: Bytes) -> Response {
    let run = effects.run();
    let repaired = body.windows(8).any(|window| window == b"repaired");
    let code = if repaired { 201 } else { code };
    (StatusCode::from_u16(code).unwrap(), format!("run {run}")).into_response()
}

async fn empty(State(effects): State<Effects>) -> StatusCode {
    effects.run();
    StatusCode::NO_CONTENT
}

async fn created(State(effects): State<Effects>) -> Response {
    let location = format!("/orders/{}", effects.run());
    (StatusCode::CREATED, [("location", location)]).into_response()
}

async fn binary(State(effects): State<Effects>) -> Response {
    let run = effects.run() as u8;
    let body: Vec<u8> = (0..=255).chain([0, 0xc3, 0x28, run]).collect();
    ([("content-type", "application/octet-stream")], body).into_response()
}

async fn headers(State(effects): State<Effects>) -> Response {
    let run = effects.run().to_string();
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-repeated", b"first".as_slice()),
        ("x-repeated", b"second"),
        ("x-repeated", b"first"),
        ("x-opaque", b"caf\xe9"),
        ("set-cookie", b"session=1"),
        ("set-cookie", b"theme=dark"),
        ("x-hop", b"1"),
        ("connection", b"x-hop"),
        ("keep-alive", b"timeout=5"),
        ("x-run", run.as_bytes()),
    ] {
        headers.append(name, value.try_into().unwrap());
    }
    response
}
