//! The market in axum: routes whose answers show what the layer does with them.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Extension, Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt, stream};
use idem_core::{CurrentExecution, Scope};
use reqwest::Result;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

use crate::support::Effects;

pub(crate) type Layer = idem_axum::IdempotencyLayer;

/// Serves the market under a layer, on a port of its own.
pub(crate) async fn serve(layer: Layer, effects: Effects) -> SocketAddr {
    let app = market().layer(layer).layer(CatchPanicLayer::new());
    serve_app(app.with_state(effects)).await
}

/// Serves the market twice under a layer, at `/nested`: the inner one stands on a nested router.
pub(crate) async fn serve_nested(outer: Layer, inner: Layer, effects: Effects) -> SocketAddr {
    let app = Router::new()
        .nest("/nested", market().layer(inner))
        .layer(outer);
    serve_app(app.with_state(effects)).await
}

pub(crate) async fn serve_app(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Takes the tenant from a header, as a test may; an application takes it from what it verified.
pub(crate) fn scoped_by_tenant(layer: Layer) -> Layer {
    layer.scope(|head: &Parts| {
        let tenant = head.headers.get("x-tenant")?;
        Some(Scope::from(tenant.to_str().ok()?))
    })
}

/// Takes the lease, in seconds, from a header, as a test may; an application takes it from what it knows.
pub(crate) fn leased_by_header(layer: Layer) -> Layer {
    layer.lease(|head: &Parts| {
        let seconds = head.headers.get("x-lease")?.to_str().ok()?;
        Some(Duration::from_secs(seconds.parse().ok()?))
    })
}

/// What a client gets when a handler panics: the server's own 500.
pub(crate) fn is_of_a_panic(answer: Result<reqwest::Response>) -> bool {
    answer.is_ok_and(|answer| answer.status() == 500)
}

fn market() -> Router<Effects> {
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
        .route("/panics", post(panics))
        .route("/pay", post(pay))
        .route("/travels/{code}", post(travels))
        .route("/travels-in-vain/{code}", post(travels_in_vain))
        .route("/large", post(large))
        .route("/small", post(small))
        .route("/unknown", post(unknown))
        .route("/breaks", post(breaks))
        .route("/events", post(events))
        .route("/answers/{code}", post(answers).patch(answers).put(answers))
        .route("/hesitant", post(hesitant))
        .route("/endless", post(endless))
        .route("/silent", post(silent))
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

async fn panics(State(effects): State<Effects>) -> &'static str {
    assert!(effects.run() > 1, "a planted panic");
    "done"
}

/// Tells what the handler sees of its execution.
async fn pay(
    State(effects): State<Effects>,
    current: Option<Extension<CurrentExecution>>,
) -> String {
    effects.run();
    current.map_or("unprotected".to_owned(), |Extension(current)| {
        let key = current.key().as_str();
        format!("{key} {}", current.derived_key("payment"))
    })
}

/// Sends its lease away, and answers with the status in the path.
async fn travels(
    State(effects): State<Effects>,
    Extension(current): Extension<CurrentExecution>,
    Path(code): Path<u16>,
) -> Response {
    effects.send(&current).await;
    (StatusCode::from_u16(code).unwrap(), "on its way").into_response()
}

/// Has its lease sent by a task, which fails later, and answers with the status in the path.
async fn travels_in_vain(
    State(effects): State<Effects>,
    Extension(current): Extension<CurrentExecution>,
    Path(code): Path<u16>,
) -> Response {
    effects.send_in_vain(&current);
    tokio::task::yield_now().await;
    (StatusCode::from_u16(code).unwrap(), "on its way").into_response()
}

async fn large(State(effects): State<Effects>) -> String {
    effects.run();
    "x".repeat(3_000)
}

async fn small(State(effects): State<Effects>) -> Body {
    effects.run();
    Body::from_stream(chunks(2, 100))
}

async fn unknown(State(effects): State<Effects>) -> Body {
    effects.run();
    Body::from_stream(chunks(30, 100))
}

async fn breaks(State(effects): State<Effects>) -> Body {
    effects.run();
    let end = stream::iter([Err(std::io::Error::other("a planted error"))]);
    Body::from_stream(chunks(2, 100).chain(end))
}

async fn events(State(effects): State<Effects>) -> Response {
    let content_type = [("content-type", "text/event-stream; charset=utf-8")];
    (content_type, small(State(effects)).await).into_response()
}

/// Answers with the status in the path and the header lines that the request asks for.
async fn answers(
    State(effects): State<Effects>,
    Path(code): Path<u16>,
    asked: HeaderMap,
) -> Response {
    let run = effects.run();
    let mut response = (StatusCode::from_u16(code).unwrap(), format!("run {run}")).into_response();
    for line in asked.get_all("x-answer") {
        let (name, value) = line.to_str().unwrap().split_once('=').unwrap();
        let name: HeaderName = name.parse().unwrap();
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

/// Of unknown length, and not ready at once: as behind a compression that works in other threads.
async fn hesitant(State(effects): State<Effects>) -> Body {
    effects.run();
    Body::from_stream(chunks(5, 100).then(|chunk| async {
        tokio::task::yield_now().await;
        chunk
    }))
}

async fn endless(State(effects): State<Effects>) -> Response {
    effects.run();
    let lines = stream::repeat("{}\n").then(|line| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok::<_, std::io::Error>(line)
    });
    let content_type = [("content-type", "application/x-ndjson")];
    (content_type, Body::from_stream(lines)).into_response()
}

async fn silent(State(effects): State<Effects>) -> Body {
    effects.run();
    Body::from_stream(stream::pending::<std::io::Result<String>>())
}

fn chunks(number: usize, length: usize) -> impl Stream<Item = std::io::Result<String>> {
    stream::iter(0..number).map(move |_| Ok("x".repeat(length)))
}
