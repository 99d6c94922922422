//! Where the layer may stand: routes, nested routers, and services that are no axum router.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response},
    routing::post,
};
use http_body_util::{BodyExt, Full};
use idem_axum::IdempotencyLayer;
use idem_core::MemoryStore;
use idem_http_tests::{Effects, Server, send, serve_app};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::bodies::keyed;

/// A server with an app of its own.
async fn serve(app: impl FnOnce(Effects) -> Router) -> Server {
    let effects = Effects::default();
    let address = serve_app(app(effects.clone())).await;
    Server::at(address, effects)
}

// S22
#[tokio::test]
async fn a_nested_router_is_known_by_the_original_path() {
    let layer = IdempotencyLayer::new(MemoryStore::new());
    let server = serve(|effects| {
        let inner = |name: &'static str| {
            let effects = effects.clone();
            Router::new()
                .route(
                    "/orders",
                    post(move || async move { format!("{name} {}", effects.run()) }),
                )
                .layer(layer.clone())
        };
        Router::new().nest("/a", inner("a")).nest("/b", inner("b"))
    })
    .await;
    assert_eq!(
        send(server.post("/a/orders", "k", "{}")).await.text(),
        "a 1"
    );
    // Inside, both paths are `/orders`; the client asked for two resources.
    assert_eq!(send(server.post("/b/orders", "k", "{}")).await.status, 400);
    assert!(send(server.post("/a/orders", "k", "{}")).await.is_replay());
}

#[tokio::test]
async fn a_layer_on_one_route_leaves_the_others_alone() {
    let layer = IdempotencyLayer::new(MemoryStore::new());
    let server = serve(|effects| {
        let count = move || async move { effects.run().to_string() };
        Router::new()
            .route("/plain", post(count.clone()))
            .route("/safe", post(count).layer(layer))
    })
    .await;
    for (path, replayed) in [("/plain", false), ("/safe", true)] {
        send(server.post(path, "k", "{}")).await;
        assert_eq!(
            send(server.post(path, "k", "{}")).await.is_replay(),
            replayed
        );
    }
}

#[tokio::test]
async fn any_tower_service_with_an_http_body_is_protected() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let handler = service_fn(|request: Request<Body>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let run = RUNS.fetch_add(1, Ordering::SeqCst) + 1;
        let text = format!("run {run} got {} bytes", body.len());
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
    });
    let service = IdempotencyLayer::new(MemoryStore::new()).layer(handler);
    for _ in 0..2 {
        let request = Request::post("/").header("idempotency-key", "k");
        let request = request
            .body(Full::new(Bytes::from_static(b"12345")))
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "run 1 got 5 bytes");
    }
}

#[tokio::test]
async fn an_error_of_the_service_frees_the_key() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let handler = service_fn(|_: Request<Body>| async move {
        match RUNS.fetch_add(1, Ordering::SeqCst) {
            0 => Err("broken"),
            _ => Ok(Response::new(Body::empty())),
        }
    });
    let service = IdempotencyLayer::new(MemoryStore::new()).layer(handler);
    let first = service.clone().oneshot(keyed()).await;
    assert_eq!(first.unwrap_err(), "broken");
    let second = service.clone().oneshot(keyed()).await.unwrap();
    assert!(!second.headers().contains_key("idempotency-replayed"));
    let third = service.oneshot(keyed()).await.unwrap();
    assert!(third.headers().contains_key("idempotency-replayed"));
}

// S50
#[tokio::test]
async fn the_handler_gets_the_request_as_it_came_trailers_included() {
    let handler = service_fn(|request: Request<Body>| async move {
        let marked = request.extensions().get::<&'static str>().copied();
        let body = request.into_body().collect().await.unwrap();
        let trailer = body
            .trailers()
            .and_then(|trailers| trailers.get("x-sum"))
            .cloned();
        assert_eq!(marked, Some("an extension"));
        assert_eq!(trailer.unwrap(), "17");
        assert_eq!(body.to_bytes(), "payload");
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let service = IdempotencyLayer::new(MemoryStore::new()).layer(handler);
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "17".parse().unwrap())]);
    let body = Full::new(Bytes::from_static(b"payload")).with_trailers(ready(Some(Ok(trailers))));
    let request = Request::post("/")
        .header("idempotency-key", "k")
        .extension("an extension");
    service.oneshot(request.body(body).unwrap()).await.unwrap();
}

/// A service that is not ready the first time.
#[derive(Clone)]
struct Overloaded(Arc<AtomicUsize>);

impl Service<Request<Body>> for Overloaded {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Body>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(match self.0.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err("overloaded"),
            _ => Ok(()),
        })
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_fails_the_request_and_frees_the_key() {
    let asked = Arc::<AtomicUsize>::default();
    let service = Overloaded(Arc::clone(&asked));
    let service = IdempotencyLayer::new(MemoryStore::new()).layer(service);
    let request = |method: &str| {
        Request::builder()
            .method(method)
            .header("idempotency-key", "k")
            .body(Body::empty())
            .unwrap()
    };
    for method in ["GET", "POST"] {
        let failed = service.clone().oneshot(request(method)).await;
        assert_eq!(failed.unwrap_err(), "overloaded");
    }
    for replayed in [false, true] {
        let response = service.clone().oneshot(request("POST")).await.unwrap();
        let marked = response.headers().contains_key("idempotency-replayed");
        assert_eq!(marked, replayed);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3, "a replay needs no service");
}
