//! `/goats/{goatId}/catalog`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::market::catalog::CatalogItem;
use crate::market::goat::GoatId;
use crate::service::GoatMarket;
use crate::web::body::{JsonBody, Listed};
use crate::web::error::Failure;
use crate::web::path::PathId;

pub(super) async fn list(
    State(market): State<GoatMarket>,
    PathId(goat): PathId<GoatId>,
) -> Result<Json<Listed<CatalogItem>>, Failure> {
    let items = market.catalog(goat).await?;
    Ok(Json(Listed { items }))
}

pub(super) async fn offer(
    State(market): State<GoatMarket>,
    PathId(goat): PathId<GoatId>,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, Failure> {
    market.offer(goat, &CatalogItem::parse(&body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
