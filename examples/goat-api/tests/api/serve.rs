//! The market's routes in axum, on a port of their own.

use std::net::SocketAddr;

use goat_api::web::GoatMarket;
use goat_api::web::axum::router;
use idem_core::Idempotency;
use tokio::net::TcpListener;

pub(crate) async fn serve(market: GoatMarket, idempotency: Idempotency) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    let routes = router(market, idempotency.into());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}
