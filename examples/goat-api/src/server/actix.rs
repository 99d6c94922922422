//! The market's server in actix-web.

use std::io;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer};
use idem_core::Idempotency;
use tokio::net::TcpListener;

use crate::web::GoatMarket;
use crate::web::actix::{cors, observe, operations, routes};
use crate::web::operations::Operations;

/// Serves until `stop` is ready, and then until what runs has ended and is recorded.
pub(super) async fn serve(
    listener: TcpListener,
    market: GoatMarket,
    idempotency: Idempotency,
    operating: Operations,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = routes(market, idempotency.clone().into());
    let operations = operations(operating.clone());
    let app = move || {
        App::new()
            .configure(routes.clone())
            .configure(operations.clone())
            .wrap(cors(&operating))
            .wrap(from_fn(observe))
    };
    let server = HttpServer::new(app)
        .disable_signals()
        .listen(listener.into_std()?)?
        .run();
    let running = server.handle();
    tokio::spawn(async move {
        stop.await;
        // A worker that stops takes with it what a client that hung up has begun.
        idempotency.drain().await;
        running.stop(true).await;
    });
    server.await
}
