//! The market's routes in actix-web together with those for operators.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use actix_web::dev::Service;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpServer};
use goat_api::web::GoatMarket;
use goat_api::web::actix::{observe, operations as for_operators, routes};
use goat_api::web::operations::Operations;
use idem_core::Idempotency;

pub(crate) async fn serve(
    market: GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
) -> SocketAddr {
    let (routes, operations) = (
        routes(market, idempotency.into()),
        for_operators(operations),
    );
    let app = move || {
        App::new()
            .configure(routes.clone())
            .configure(operations.clone())
            .wrap(from_fn(observe))
    };
    let server = HttpServer::new(app).workers(2).disable_signals();
    let server = server.bind("127.0.0.1:0").expect("a port is free");
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

/// A text in which each path follows the marker, up to a double quote.
pub(crate) async fn shown(
    market: GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
) -> (String, &'static str) {
    let shown = Rc::new(RefCell::new(String::new()));
    let seen = Rc::clone(&shown);
    let app = App::new()
        .configure(routes(market, idempotency.into()))
        .configure(for_operators(operations))
        .wrap_fn(move |request, service| {
            *seen.borrow_mut() = format!("{:?}", request.resource_map());
            service.call(request)
        });
    let app = init_service(app).await;
    call_service(&app, TestRequest::default().to_request()).await;
    (shown.take(), "Single(\"")
}
