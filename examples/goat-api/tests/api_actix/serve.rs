//! The market's routes in actix-web, on a port of their own.

use std::net::SocketAddr;

use actix_web::{App, HttpServer};
use goat_api::web::GoatMarket;
use goat_api::web::actix::routes;
use idem_core::Idempotency;

pub(crate) async fn serve(market: GoatMarket, idempotency: Idempotency) -> SocketAddr {
    let routes = routes(market, idempotency.into());
    let server = HttpServer::new(move || App::new().configure(routes.clone()))
        .workers(2)
        .disable_signals()
        .bind("127.0.0.1:0")
        .expect("a port is free");
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}
