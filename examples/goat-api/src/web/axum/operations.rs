//! The routes for operators in axum, and the observation of all requests.

use std::future::ready;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::Response;
use axum::routing::{get, post};

use super::{Answered, cors, method_not_allowed};
use crate::web::answer::Answer;
use crate::web::operations::{KEY, Observed, Operations, REFUSAL, REQUEST_ID, alive};

/// Puts the routes for operators beside the market's, and observes the requests to both.
///
/// It is the outermost layer: the request's id is on each answer, and in no record.
pub fn operated(market: Router, operations: Operations) -> Router {
    let cors = cors::layer(&operations.origins);
    let mut routes = Router::new()
        .route("/healthz", get(|| ready(alive())))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics));
    if operations.has_admin() {
        routes = routes
            .route("/admin/keys/look-up", get(look_up))
            .route("/admin/keys/release", post(release));
    }
    let routes = routes
        .method_not_allowed_fallback(method_not_allowed)
        .layer(map_response(for_now_only))
        .with_state(operations);
    let routes = market.merge(routes);
    let routes = match cors {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes.layer(from_fn(observe))
}

type Operating = State<Operations>;

async fn readyz(State(operations): Operating) -> Answer {
    operations.ready().await
}

async fn metrics(State(operations): Operating) -> Answer {
    operations.metrics()
}

async fn look_up(State(operations): Operating, headers: HeaderMap) -> Answered {
    operations
        .look_up(authorization(&headers), keys(&headers))
        .await
}

async fn release(State(operations): Operating, headers: HeaderMap) -> Answered {
    operations
        .release(authorization(&headers), keys(&headers))
        .await
}

fn authorization(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)
}

fn keys(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(KEY).into_iter().map(HeaderValue::as_bytes)
}

/// What is told here is true now; and who has no token is told what to send.
async fn for_now_only(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    let unauthorized = response.status().as_u16() == 401;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, no_store);
    if unauthorized {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

async fn observe(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let id = request.headers().get(REQUEST_ID);
    let observed = Observed::begin(
        request.method().as_str(),
        route.map(MatchedPath::as_str),
        id.map(HeaderValue::as_bytes),
    );
    let mut response = observed.serve(next.run(request)).await;
    let refusal = response.headers().get(REFUSAL);
    let id = observed.end(
        response.status().as_u16(),
        refusal.map(HeaderValue::as_bytes),
    );
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
