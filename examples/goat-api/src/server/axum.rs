//! The market's server in axum.

use std::io;

use idem_core::Idempotency;
use tokio::net::TcpListener;

use crate::web::GoatMarket;
use crate::web::axum::{operated, router};
use crate::web::operations::Operations;

/// Serves until `stop` is ready, and then until what runs has ended and is recorded.
pub(super) async fn serve(
    listener: TcpListener,
    market: GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = router(market, idempotency.clone().into());
    let routes = operated(routes, operations);
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop)
        .await?;
    // What a client that hung up has begun is still running.
    idempotency.drain().await;
    Ok(())
}
