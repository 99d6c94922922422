//! The paths that the market's router in axum has, as it shows itself.

use goat_api::service::GoatMarket;
use goat_api::web::axum::router;
use idem_core::Idempotency;

/// A text in which each path follows the marker, up to a double quote.
pub(crate) async fn shown(market: GoatMarket, idempotency: Idempotency) -> (String, &'static str) {
    let shown = format!("{:?}", router(market, idempotency.into()));
    // The fallback has paths of its own, which stand for any.
    let routes = shown.split("fallback_router").next();
    (routes.unwrap_or_default().to_owned(), "): \"")
}
