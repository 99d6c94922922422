//! The market's routes in actix-web.

mod cors;
mod operations;

use std::future::ready;

use actix_web::body::BoxBody;
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use actix_web::web::{self, Bytes, Data, Path, Payload, ReqData, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse, Resource, Responder};
use idem_actix::{CurrentExecution, IdempotencyMiddleware};

use crate::web::answer::{Answer, Failure, Page, Typed};
use crate::web::{GoatMarket, LARGEST, api, content_type, pages};
pub use cors::cors;
pub use operations::{observe, operations};

/// The routes of the market; those that would do a thing twice are under `idempotency`.
///
/// Offering an item is not, for it replaces the one of its name: twice is as good as once.
///
/// The middleware is on each route that needs it, and not on the whole app or resource. There, a policy that
/// requires keys would answer 400 to a POST to an unknown path or to a path that only has GET, since it is
/// asked before the default services are. Here these are 404 and 405.
pub fn routes(
    market: GoatMarket,
    idempotency: IdempotencyMiddleware,
) -> impl Fn(&mut ServiceConfig) + Clone {
    move |config| {
        let register = web::post().to(register).wrap(idempotency.clone());
        let order = web::post().to(order).wrap(idempotency.clone());
        config
            .app_data(Data::new(market.clone()))
            .service(
                resource("/goats", "GET,HEAD,POST")
                    .route(web::get().to(goats))
                    .route(web::head().to(goats))
                    .route(register),
            )
            .service(
                resource("/goats/{goat_id}/catalog", "GET,HEAD,POST")
                    .route(web::get().to(catalog))
                    .route(web::head().to(catalog))
                    .route(web::post().to(offer)),
            )
            .service(
                resource("/orders", "GET,HEAD,POST")
                    .route(web::get().to(orders))
                    .route(web::head().to(orders))
                    .route(order),
            )
            .service(
                resource("/orders/{order_id}", "GET,HEAD")
                    .route(web::get().to(find_order))
                    .route(web::head().to(find_order)),
            )
            .default_service(web::to(unknown_path));
        for page in pages::all(idempotency.idempotency().policy()) {
            config.service(with_page(page));
        }
    }
}

fn with_page(Page { path, answer }: Page) -> Resource {
    let serve = move || ready(answer.clone());
    resource(path, "GET,HEAD")
        .route(web::get().to(serve.clone()))
        .route(web::head().to(serve))
}

/// A path whose other methods are refused.
fn resource(path: &str, allowed: &'static str) -> Resource {
    let refuse = move |request: HttpRequest| async move {
        let failure = Failure::method_not_allowed(request.method().as_str(), request.path());
        let mut response = response(failure.into());
        let allowed = HeaderValue::from_static(allowed);
        response.headers_mut().insert(ALLOW, allowed);
        response
    };
    web::resource(path).default_service(web::to(refuse))
}

type Market = Data<GoatMarket>;
type Id = Result<Path<String>, Error>;
type Current = Option<ReqData<CurrentExecution>>;
type Answered = Result<Answer, Failure>;

async fn goats(market: Market) -> Answered {
    api::goats(&market).await
}

async fn register(
    market: Market,
    current: Current,
    request: HttpRequest,
    body: Payload,
) -> Answered {
    api::register(&market, current.as_deref(), json(request, body)).await
}

async fn catalog(market: Market, goat: Id) -> Answered {
    api::catalog(&market, &text(goat)).await
}

async fn offer(market: Market, goat: Id, request: HttpRequest, body: Payload) -> Answered {
    api::offer(&market, &text(goat), json(request, body)).await
}

async fn orders(market: Market) -> Answered {
    api::orders(&market).await
}

async fn order(market: Market, current: Current, request: HttpRequest, body: Payload) -> Answered {
    api::order(&market, current.as_deref(), json(request, body)).await
}

async fn find_order(market: Market, order: Id) -> Answered {
    api::find_order(&market, &text(order)).await
}

async fn unknown_path(request: HttpRequest) -> Answered {
    Err(Failure::not_found("path", request.path()))
}

/// What is not UTF-8 after percent-decoding is refused, and is no id either.
fn text(id: Id) -> String {
    id.map(Path::into_inner).unwrap_or_default()
}

/// Reads a body that says that it is JSON.
async fn json(request: HttpRequest, body: Payload) -> Result<Bytes, Failure> {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type::require_json(content_type.map(HeaderValue::as_bytes))?;
    let body = body.to_bytes_limited(LARGEST).await;
    body.map_err(|_| Failure::too_large())?
        .map_err(|_| Failure::broken_off())
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        response(self)
    }
}

/// Makes a failure an error of actix-web's, which is its own response.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        InternalError::from_response("", response(failure.into())).into()
    }
}

fn response(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).expect("the market knows its statuses");
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.insert_header(*header);
    }
    match answer.body {
        None => response.finish(),
        Some(Typed {
            content_type,
            bytes,
        }) => response.content_type(content_type).body(bytes),
    }
}
