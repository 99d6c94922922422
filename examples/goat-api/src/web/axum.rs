//! The market's routes in axum.

mod cors;
mod operations;

use std::future::ready;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use idem_axum::{CurrentExecution, IdempotencyLayer};

use crate::web::answer::{Answer, Failure, Page, Typed};
use crate::web::{GoatMarket, LARGEST, api, content_type, pages};
pub use operations::operated;

/// The routes of the market; those that would do a thing twice are under `idempotency`.
///
/// Offering an item is not, for it replaces the one of its name: twice is as good as once.
///
/// The layer is on each route that needs it, and not on the whole router ([`Router::layer`]). There, a policy
/// that requires keys would answer 400 to a POST to an unknown path or to a path that only has GET, since it
/// is asked before the fallbacks are. Here these are 404 and 405.
pub fn router(market: GoatMarket, idempotency: IdempotencyLayer) -> Router {
    let pages = pages::all(idempotency.idempotency().policy());
    let register = post(register).layer(idempotency.clone());
    let order = post(order).layer(idempotency);
    let router = pages.into_iter().fold(Router::new(), with_page);
    router
        .route("/goats", get(goats).merge(register))
        .route("/goats/{goat_id}/catalog", get(catalog).post(offer))
        .route("/orders", get(orders).merge(order))
        .route("/orders/{order_id}", get(find_order))
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(market)
}

fn with_page(router: Router<GoatMarket>, page: Page) -> Router<GoatMarket> {
    router.route(page.path, get(move || ready(page.answer.clone())))
}

type Market = State<GoatMarket>;
type Id = Result<Path<String>, PathRejection>;
type Current = Option<Extension<CurrentExecution>>;
type Answered = Result<Answer, Failure>;

async fn goats(State(market): Market) -> Answered {
    api::goats(&market).await
}

async fn register(State(market): Market, current: Current, request: Request) -> Answered {
    api::register(&market, current.as_deref(), json(request)).await
}

async fn catalog(State(market): Market, goat: Id) -> Answered {
    api::catalog(&market, &text(goat)).await
}

async fn offer(State(market): Market, goat: Id, request: Request) -> Answered {
    api::offer(&market, &text(goat), json(request)).await
}

async fn orders(State(market): Market) -> Answered {
    api::orders(&market).await
}

async fn order(State(market): Market, current: Current, request: Request) -> Answered {
    api::order(&market, current.as_deref(), json(request)).await
}

async fn find_order(State(market): Market, order: Id) -> Answered {
    api::find_order(&market, &text(order)).await
}

async fn unknown_path(uri: Uri) -> Failure {
    Failure::not_found("path", uri.path())
}

async fn method_not_allowed(method: Method, uri: Uri) -> Failure {
    Failure::method_not_allowed(method.as_str(), uri.path())
}

/// What is not UTF-8 after percent-decoding is refused, and is no id either.
fn text(id: Id) -> String {
    id.map(|Path(text)| text).unwrap_or_default()
}

/// Reads a body that says that it is JSON.
async fn json(request: Request) -> Result<Bytes, Failure> {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type::require_json(content_type.map(HeaderValue::as_bytes))?;
    let body = Bytes::from_request(request, &()).await;
    body.map_err(|rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::too_large(),
        _ => Failure::broken_off(),
    })
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("the market knows its statuses");
        let mut response = match self.body {
            None => status.into_response(),
            Some(Typed {
                content_type,
                bytes,
            }) => (status, [(CONTENT_TYPE, content_type)], bytes).into_response(),
        };
        let headers = self.headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        response.headers_mut().extend(headers);
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        Answer::from(self).into_response()
    }
}
