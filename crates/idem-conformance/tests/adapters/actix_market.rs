//! The market in actix-web.

use std::convert::Infallible;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServiceRequest,
    http::{StatusCode, header::HeaderValue},
    web::{self, Bytes, Data},
};
use futures_util::stream;
use idem_actix::IdempotencyMiddleware;
use idem_core::{MemoryStore, Policy, Scope};

use crate::{
    policies::{TENANT, excluding, policy, short},
    routes::{Body, Market, Reply},
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
        Body::Stream(pieces) => {
            let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece)));
            response.streaming(stream::iter(pieces.collect::<Vec<Result<_, Infallible>>>()))
        }
    }
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

/// For `/excluded`, for `/short`, and for all others.
fn middlewares(conventions: &str) -> [IdempotencyMiddleware; 3] {
    let policy = policy(conventions);
    [excluding(policy.clone()), short(policy.clone()), policy].map(middleware)
}

/// Serves with two workers, of which each asks for its middlewares.
fn serve(idempotency: impl Fn() -> [IdempotencyMiddleware; 3] + Clone + Send + 'static) -> String {
    let market = Data::new(Market::default());
    let server = HttpServer::new(move || {
        let [excluded, short, all] = idempotency();
        let route = |path: &str, idempotency| web::resource(path).wrap(idempotency).to(handle);
        let routes = web::scope(PREFIX)
            .service(route("/excluded", excluded))
            .service(route("/short", short))
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
