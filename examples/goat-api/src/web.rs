//! The market over HTTP, with axum.

mod body;
mod catalog;
mod content_type;
mod error;
mod goats;
mod orders;
mod path;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use idem_axum::IdempotencyLayer;

use crate::service::GoatMarket;

/// The routes of the market; those that would do a thing twice are under `idempotency`.
///
/// Offering an item is not, for it replaces the one of its name: twice is as good as once.
pub fn router(market: GoatMarket, idempotency: IdempotencyLayer) -> Router {
    let register_goat = post(goats::register).layer(idempotency.clone());
    let place_order = post(orders::place).layer(idempotency);
    Router::new()
        .route("/goats", get(goats::list).merge(register_goat))
        .route(
            "/goats/{goat_id}/catalog",
            get(catalog::list).post(catalog::offer),
        )
        .route("/orders", get(orders::list).merge(place_order))
        .route("/orders/{order_id}", get(orders::show))
        .fallback(error::unknown_path)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(body::LARGEST))
        .with_state(market)
}
