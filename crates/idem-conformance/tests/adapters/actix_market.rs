//! The market in actix-web.

use actix_web::{
    App, Error, HttpMessage, HttpRequest, HttpResponse, HttpServer,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::{InternalError, PayloadError},
    http::{StatusCode, header::HeaderValue},
    middleware::{Next, from_fn},
    web::{self, Bytes, Data},
};
use futures_util::StreamExt;
use idem_actix::IdempotencyMiddleware;
use idem_core::{MemoryStore, Policy, Scope};

use crate::{
    policies::{TENANT, excluding, policy, short},
    routes::{Body, Market, OUTSIDE_LIMIT, Reply},
};

/// In the path of the base URL, which no route of the market knows.
const PREFIX: &str = "/v1";

fn middleware(policy: Policy) -> IdempotencyMiddleware {
    let tenant = |request: &ServiceRequest| {
        let tenant = request.headers().get(TENANT)?.to_str().ok()?;
        Some(Scope::from(tenant))
    };
    IdempotencyMiddleware::new(MemoryStore::new())
        .policy(policy)
        .scope(tenant)
}

async fn handle(market: Data<Market>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let target = target.strip_prefix(PREFIX).unwrap_or(target);
    let reply = market.reply(request.method().as_str(), target, &body);
    reply.wait().await;
    let Reply {
        status,
        headers,
        body,
        ..
    } = reply;
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response.append_header((name, HeaderValue::try_from(value).unwrap()));
    }
    match body {
        Body::Whole(bytes) => response.body(bytes),
        stream => response.streaming(stream.pieces()),
    }
}

/// A limit in front of the middleware.
async fn limited(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut left = OUTSIDE_LIMIT;
    let payload = request.take_payload().map(move |piece| {
        let piece = piece?;
        left = left
            .checked_sub(piece.len())
            .ok_or(PayloadError::Overflow)?;
        Ok(piece)
    });
    request.set_payload(Payload::Stream {
        payload: Box::pin(payload),
    });
    next.call(request).await
}

/// Turns a failure into an error, as an application's own middleware may (S94).
async fn failing(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    if !response.status().is_server_error() {
        return Ok(response);
    }
    let (_, response) = response.into_parts();
    let response = response.map_into_boxed_body();
    Err(InternalError::from_response("the handler failed", response).into())
}

/// Starts the market and gives its base URL, in which it has a path of its own.
pub(crate) fn start(conventions: &str) -> String {
    let idempotency = middlewares(conventions);
    serve(move || idempotency.clone())
}

/// As `start`, but for a mistake that is easily made: each worker has stores of its own.
pub(crate) fn start_with_stores_for_each_worker(conventions: &'static str) -> String {
    serve(move || middlewares(conventions))
}

#[derive(Clone)]
struct Middlewares {
    excluded: IdempotencyMiddleware,
    short: IdempotencyMiddleware,
    all: IdempotencyMiddleware,
    /// A second layer for some routes, with a policy of its own.
    again: IdempotencyMiddleware,
}

fn middlewares(conventions: &str) -> Middlewares {
    let policy = policy(conventions);
    let all = middleware(policy.clone());
    Middlewares {
        excluded: middleware(excluding(policy.clone())),
        short: middleware(short(policy.clone())),
        again: all.clone().policy(short(policy)),
        all,
    }
}

/// Serves with two workers, of which each asks for its middlewares.
fn serve(idempotency: impl Fn() -> Middlewares + Clone + Send + 'static) -> String {
    let market = Data::new(Market::default());
    let server = HttpServer::new(move || {
        let Middlewares {
            excluded,
            short,
            all,
            again,
        } = idempotency();
        let route = |path: &str, idempotency| web::resource(path).wrap(idempotency).to(handle);
        let broken = web::resource("/broken/{status}")
            .wrap(from_fn(failing))
            .wrap(all.clone())
            .to(handle);
        let routes = web::scope(PREFIX)
            .service(route("/excluded", excluded))
            .service(route("/short", short))
            .service(broken)
            .service(route("/twice", again).wrap(all.clone()))
            .service(route("/limited", all.clone()).wrap(from_fn(limited)))
            .service(route("/{path:.*}", all));
        App::new().app_data(market.clone()).service(routes)
    })
    .workers(2)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    format!("http://{address}{PREFIX}")
}
