//! `/goats`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::market::goat::{Goat, GoatId, NewGoat};
use crate::service::GoatMarket;
use crate::web::body::{Created, JsonBody, Listed};
use crate::web::error::Failure;

pub(super) async fn list(State(market): State<GoatMarket>) -> Result<Json<Listed<Goat>>, Failure> {
    let items = market.goats().await?;
    Ok(Json(Listed { items }))
}

pub(super) async fn register(
    State(market): State<GoatMarket>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Created<GoatId>>), Failure> {
    let id = market.register(NewGoat::parse(&body)?).await?;
    Ok((StatusCode::CREATED, Json(Created { id })))
}
