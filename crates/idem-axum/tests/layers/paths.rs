//! Layers that change where a request goes.

use axum::{
    Router, ServiceExt,
    extract::Request,
    http::header::HOST,
    middleware::{Next, from_fn},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use idem_core::Policy;
use idem_http_tests::{Effects, Server, StoreCalls, send};
use tokio::net::TcpListener;
use tower::Layer as _;
use tower_http::normalize_path::NormalizePathLayer;

use crate::{goats, idempotency, orders};

/// Serves a service that is not a router.
macro_rules! serve_service {
    ($service:expr) => {{
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = ServiceExt::<Request>::into_make_service($service);
        tokio::spawn(async move { axum::serve(listener, service).await });
        address
    }};
}

#[tokio::test]
async fn normalize_path_around_the_router_makes_two_spellings_one_request() {
    let trim = NormalizePathLayer::trim_trailing_slash;
    let layer = || idempotency(Policy::reference());

    let effects = Effects::default();
    let router = goats(effects.clone()).layer(layer());
    let right = Server::at(serve_service!(trim().layer(router)), effects);
    assert_eq!(send(right.post("/goats/", "k", "{}")).await.status, 200);
    assert!(send(right.post("/goats", "k", "{}")).await.is_replay());

    let effects = Effects::default();
    let router = trim().layer(goats(effects.clone()));
    let wrong = Server::at(serve_service!(layer().layer(router)), effects);
    assert_eq!(send(wrong.post("/goats/", "k", "{}")).await.status, 200);
    let refused = send(wrong.post("/goats", "k", "{}")).await;
    assert_eq!(
        refused.header("idempotency-refusal"),
        Some("idempotency-key-reused")
    );

    let [without_effect, _] =
        orders(|effects| goats(effects).layer(layer()).layer(trim()), goats).await;
    // Layers of a router run after it has chosen the route.
    assert_eq!(
        send(without_effect.post("/goats/", "k", "{}")).await.status,
        404
    );
}

/// Sends requests for another host to the canonical one.
async fn to_canonical(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).unwrap().to_str().unwrap();
    if host.starts_with("127.0.0.1") {
        return next.run(request).await;
    }
    let here = request.headers().get("x-canonical").unwrap().to_str();
    let url = format!("http://{}{}", here.unwrap(), request.uri());
    Redirect::permanent(&url).into_response()
}

#[tokio::test]
async fn a_redirect_outside_costs_no_store_call_and_is_never_kept() {
    let calls: [StoreCalls; 2] = Default::default();
    let layer = |at: usize| idempotency(Policy::reference().observer(calls[at].clone()));
    let servers = orders(
        |effects| goats(effects).layer(layer(0)).layer(from_fn(to_canonical)),
        |effects| goats(effects).layer(from_fn(to_canonical)).layer(layer(1)),
    )
    .await;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    for (server, calls, asked) in [(&servers[0], &calls[0], 0), (&servers[1], &calls[1], 2)] {
        let here = server.address.to_string();
        let to_old = server
            .post("/goats", "k", "{}")
            .header("host", "old.example");
        let to_old = to_old.header("x-canonical", &here).build().unwrap();
        let redirect = client.execute(to_old).await.unwrap();
        assert_eq!(redirect.status(), 308);
        assert_eq!(calls.count(), asked);
        // The same request with the same key, at the address it was sent to.
        let location = redirect.headers()["location"].to_str().unwrap();
        assert_eq!(location, format!("http://{here}/goats"));
        let followed = send(server.post("/goats", "k", "{}")).await;
        assert_eq!((followed.status, followed.is_replay()), (200, false));
    }
}

#[tokio::test]
async fn a_route_that_redirects_outside_leads_a_retry_to_its_replay() {
    let moved = || Router::new().route("/old", post(async || Redirect::permanent("/goats")));
    let layer = || idempotency(Policy::reference());
    let [right, wrong] = orders(
        |effects| moved().merge(goats(effects).layer(layer())),
        |effects| moved().merge(goats(effects)).layer(layer()),
    )
    .await;
    for server in [&right, &wrong] {
        // Nothing was done at the old address, so nothing is kept, and the key is free at the new one.
        let original = send(server.post("/old", "k", "{}")).await;
        assert_eq!((original.status, original.is_replay()), (200, false));
    }
    assert!(send(right.post("/old", "k", "{}")).await.is_replay());
    // The record is that of a request for another path.
    let refused = send(wrong.post("/old", "k", "{}")).await;
    let code = refused.header("idempotency-refusal");
    assert_eq!(code, Some("idempotency-key-reused"));
}
