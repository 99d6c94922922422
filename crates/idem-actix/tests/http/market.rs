//! The suite's market in actix-web.

use std::net::SocketAddr;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::{ServerHandle, ServiceRequest},
    http::{StatusCode, header::HeaderValue},
    web::{self, Data, ReqData},
};
use idem_actix::IdempotencyMiddleware;
use idem_core::{CurrentExecution, IdempotencyStore, MemoryStore, Policy};
use idem_http_tests::{Adapter, Body, Effects, Request, lease, tenant};

#[derive(Clone)]
pub(crate) struct Actix(IdempotencyMiddleware);

impl Adapter for Actix {
    fn store() -> impl IdempotencyStore + Clone {
        MemoryStore::new()
    }

    fn new(store: impl IdempotencyStore, policy: Policy) -> Self {
        let rules = IdempotencyMiddleware::new(store)
            .scope(|request: &ServiceRequest| tenant(header(request)))
            .lease(|request: &ServiceRequest| lease(header(request)));
        Self(rules.policy(policy))
    }

    fn under(&self, policy: Policy) -> Self {
        Self(self.0.clone().policy(policy))
    }

    async fn drain(&self) {
        self.0.drain().await;
    }

    async fn serve(self, effects: Effects) -> SocketAddr {
        serve_until_stopped(self, effects).0
    }

    async fn serve_nested(outer: Self, inner: Self, effects: Effects) -> SocketAddr {
        let (address, _) = serve_app(move |config| {
            let market = web::scope("/nested").wrap(inner.0.clone());
            let market = market.configure(market_in(&effects));
            config.service(web::scope("").wrap(outer.0.clone()).service(market));
        });
        address
    }
}

fn header<'a>(request: &'a ServiceRequest) -> impl FnOnce(&str) -> Option<&'a [u8]> {
    |name| request.headers().get(name).map(HeaderValue::as_bytes)
}

/// Serves the market with what stops the server.
pub(crate) fn serve_until_stopped(layer: Actix, effects: Effects) -> (SocketAddr, ServerHandle) {
    serve_app(move |config| {
        let market = web::scope("").wrap(layer.0.clone());
        config.service(market.configure(market_in(&effects)));
    })
}

/// Serves an app of any routes with two workers, so that what one knows the other must too.
pub(crate) fn serve_app(
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> (SocketAddr, ServerHandle) {
    let server = HttpServer::new(move || App::new().configure(routes.clone()))
        .workers(2)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    let handle = running.handle();
    tokio::spawn(running);
    (address, handle)
}

fn market_in(effects: &Effects) -> impl FnOnce(&mut web::ServiceConfig) {
    let effects = Data::new(effects.clone());
    |config| {
        config
            .app_data(effects)
            .route("/{path:.*}", web::to(handle));
    }
}

async fn handle(
    effects: Data<Effects>,
    path: web::Path<String>,
    current: Option<ReqData<CurrentExecution>>,
    request: HttpRequest,
) -> HttpResponse {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let current = current.map(ReqData::into_inner);
    let reply = Request::new(path.into_inner(), headers, current);
    let reply = reply.reply(&effects).await;
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in reply.headers {
        response.append_header((name, HeaderValue::from_bytes(&value).unwrap()));
    }
    match reply.body {
        Body::Whole(bytes) => response.body(bytes),
        Body::Stream(stream) => response.streaming(stream),
    }
}
