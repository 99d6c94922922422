//! The market in actix-web, with the records in any store.

use std::{marker::PhantomData, net::SocketAddr};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::{ServerHandle, ServiceRequest},
    http::{StatusCode, header::HeaderValue},
    web::{self, Data, ReqData},
};
use idem_actix::IdempotencyMiddleware;
use idem_core::{CurrentExecution, IdempotencyStore, Policy};

use crate::{Adapter, Body, Effects, Records, Request, lease, tenant};

/// The market in actix-web, to be given to [`http_tests!`](crate::http_tests).
#[derive(Clone, Debug)]
pub struct Actix<R>(IdempotencyMiddleware, PhantomData<R>);

impl<R: Records> Adapter for Actix<R> {
    fn store() -> impl IdempotencyStore + Clone {
        R::store()
    }

    fn new(store: impl IdempotencyStore, policy: Policy) -> Self {
        let rules = IdempotencyMiddleware::new(store)
            .scope(|request: &ServiceRequest| tenant(header(request)))
            .lease(|request: &ServiceRequest| lease(header(request)));
        Self(rules.policy(policy), PhantomData)
    }

    fn under(&self, policy: Policy) -> Self {
        Self(self.0.clone().policy(policy), PhantomData)
    }

    async fn drain(&self) {
        self.0.drain().await;
    }

    async fn serve(self, effects: Effects) -> SocketAddr {
        serve_actix_until_stopped(self, effects).0
    }

    async fn serve_nested(outer: Self, inner: Self, effects: Effects) -> SocketAddr {
        let (inner, outer) = (inner.0, outer.0);
        let (address, _) = serve_actix_app(move |config| {
            let market = web::scope("/nested").wrap(inner.clone());
            let market = market.configure(market_in(&effects));
            config.service(web::scope("").wrap(outer.clone()).service(market));
        });
        address
    }
}

fn header<'a>(request: &'a ServiceRequest) -> impl FnOnce(&str) -> Option<&'a [u8]> {
    |name| request.headers().get(name).map(HeaderValue::as_bytes)
}

/// Serves the market with what stops the server.
///
/// # Panics
/// If there is no port.
#[must_use]
pub fn serve_actix_until_stopped<R>(
    layer: Actix<R>,
    effects: Effects,
) -> (SocketAddr, ServerHandle) {
    let layer = layer.0;
    serve_actix_app(move |config| {
        let market = web::scope("").wrap(layer.clone());
        config.service(market.configure(market_in(&effects)));
    })
}

/// Serves an app of any routes with two workers, so that what one knows the other must too.
///
/// # Panics
/// If there is no port.
pub fn serve_actix_app(
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
