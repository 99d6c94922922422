//! What is too large, and a store that is full.

use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full};
use idem_axum::IdempotencyLayer;
use idem_core::{MockIdempotencyStore, Policy};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::{Effects, Server, send, store};

#[tokio::test]
async fn a_request_over_the_limit_is_refused_and_asks_no_store() {
    let layer = IdempotencyLayer::new(MockIdempotencyStore::new());
    let server =
        Server::with_layer(layer.policy(Policy::reference().max_request_bytes(1_000))).await;
    let with_length = server.post("/orders", "k", "x".repeat(1_001));
    let chunked = server.post("/orders", "k", reqwest::Body::wrap_stream(chunks(3, 400)));
    for request in [with_length, chunked] {
        let answer = send(request).await;
        assert_eq!(answer.status, 413);
        assert_eq!(
            answer.header("idempotency-refusal"),
            Some("payload-too-large")
        );
        assert!(
            answer.text().contains("at most 1000 bytes"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(server.effects.runs(), 0);
}

#[tokio::test]
async fn a_request_of_just_the_limit_runs_chunked_or_not() {
    let server = Server::start(Policy::reference().max_request_bytes(1_000)).await;
    let chunked = server.post("/orders", "k", reqwest::Body::wrap_stream(chunks(2, 500)));
    assert_eq!(send(chunked).await.status, 201);
    assert!(
        send(server.post("/orders", "k", "x".repeat(1_000)))
            .await
            .is_replay()
    );
}

/// Routes whose responses are not kept: large, of unknown length, a stream of events, trailers.
fn large(effects: Effects) -> Router {
    let route = |respond: fn() -> Response| {
        let effects = effects.clone();
        post(move || async move {
            effects.run();
            respond()
        })
    };
    let policy = Policy::reference().max_response_bytes(1_000);
    Router::new()
        .route("/large", route(|| "x".repeat(3_000).into_response()))
        .route("/unknown", route(|| streamed(30).into_response()))
        .route("/breaks", route(|| broken().into_response()))
        .route("/small", route(|| streamed(2).into_response()))
        .route(
            "/events",
            route(|| {
                (
                    [("content-type", "text/event-stream; charset=utf-8")],
                    streamed(2),
                )
                    .into_response()
            }),
        )
        .layer(IdempotencyLayer::new(store()).policy(policy))
}

fn chunks(number: usize, length: usize) -> impl Stream<Item = std::io::Result<String>> {
    stream::iter(0..number).map(move |_| Ok("x".repeat(length)))
}

fn broken() -> Body {
    let end = stream::iter([Err(std::io::Error::other("a planted error"))]);
    Body::from_stream(chunks(2, 100).chain(end))
}

fn streamed(number: usize) -> Body {
    Body::from_stream(chunks(number, 100))
}

#[tokio::test]
async fn what_is_not_kept_reaches_its_client_whole_and_never_runs_again() {
    for (path, length) in [("/large", 3_000), ("/unknown", 3_000), ("/events", 200)] {
        let server = Server::with_app(large).await;
        let original = send(server.post(path, "k", "{}")).await;
        assert_eq!(
            (original.status, original.body.len()),
            (200, length),
            "{path}"
        );
        let retry = send(server.post(path, "k", "{}")).await;
        assert_eq!(retry.status, 409, "{path}");
        assert_eq!(
            retry.header("idempotency-refusal"),
            Some("idempotency-response-not-kept")
        );
        assert_eq!(server.effects.runs(), 1);
    }
}

#[tokio::test]
async fn a_response_with_trailers_is_passed_on_with_them_and_not_kept() {
    let handler = service_fn(|_: Request<Body>| async {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "17".parse().unwrap())]);
        let body = Full::new(Bytes::from_static(b"whole"));
        let body = body.with_trailers(std::future::ready(Some(Ok(trailers))));
        Ok::<_, Infallible>(http::Response::new(body))
    });
    let service = ServiceBuilder::new()
        .layer(IdempotencyLayer::new(store()))
        .service(handler);
    let request = || {
        Request::post("/")
            .header("idempotency-key", "k")
            .body(Body::empty())
            .unwrap()
    };
    let original = service.clone().oneshot(request()).await.unwrap();
    let body = original.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "17");
    assert_eq!(body.to_bytes(), "whole");
    assert_eq!(service.oneshot(request()).await.unwrap().status(), 409);
}

#[tokio::test]
async fn a_response_whose_body_breaks_off_breaks_off_for_its_client_and_is_not_run_again() {
    let server = Server::with_app(large).await;
    let broken = async {
        let response = server.post("/breaks", "k", "{}").send().await?;
        response.bytes().await
    };
    assert!(broken.await.is_err(), "the server could not send it whole");
    assert_eq!(send(server.post("/breaks", "k", "{}")).await.status, 409);
    assert_eq!(server.effects.runs(), 1);
}

#[tokio::test]
async fn a_short_body_of_unknown_length_is_kept() {
    let server = Server::with_app(large).await;
    let original = send(server.post("/small", "k", "{}")).await;
    let replay = send(server.post("/small", "k", "{}")).await;
    assert!(replay.is_replay());
    assert_eq!(replay.body, original.body);
}
