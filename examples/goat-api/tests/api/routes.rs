//! The market's routes in axum together with those for operators.

use std::net::SocketAddr;

use goat_api::web::GoatMarket;
use goat_api::web::axum::{operated, router};
use goat_api::web::operations::Operations;
use idem_core::Idempotency;
use tokio::net::TcpListener;

pub(crate) async fn serve(
    market: GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    let routes = operated(router(market, idempotency.into()), operations);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// A text in which each path follows the marker, up to a double quote.
pub(crate) async fn shown(
    market: GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
) -> (String, &'static str) {
    let router = operated(router(market, idempotency.into()), operations);
    let shown = format!("{router:?}");
    // The fallback has paths of its own, which stand for any.
    let routes = shown.split("fallback_router").next();
    (routes.unwrap_or_default().to_owned(), "): \"")
}
