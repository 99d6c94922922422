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
use idem_http_tests::{Effects, Server, StoreCalls, layers, send};
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

    let effects = Effects::default();
    let router = trim().layer(goats(effects.clone()));
    let wrong = Server::at(serve_service!(layer().layer(router)), effects);
    layers::normalized_paths([right, wrong]).await;

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
    );
    layers::a_redirect_to_the_canonical_host(servers.await, &calls).await;
}

#[tokio::test]
async fn a_route_that_redirects_outside_leads_a_retry_to_its_replay() {
    let moved = || Router::new().route("/old", post(async || Redirect::permanent("/goats")));
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| moved().merge(goats(effects).layer(layer())),
        |effects| moved().merge(goats(effects)).layer(layer()),
    );
    layers::a_route_that_redirects(servers.await).await;
}
