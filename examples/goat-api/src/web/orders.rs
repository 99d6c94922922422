//! `/orders`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::market::order::{NewOrder, Order, OrderId};
use crate::service::GoatMarket;
use crate::web::body::{Created, JsonBody, Listed};
use crate::web::error::Failure;
use crate::web::path::PathId;

pub(super) async fn list(State(market): State<GoatMarket>) -> Result<Json<Listed<Order>>, Failure> {
    let items = market.orders().await?;
    Ok(Json(Listed { items }))
}

pub(super) async fn show(
    State(market): State<GoatMarket>,
    PathId(order): PathId<OrderId>,
) -> Result<Json<Order>, Failure> {
    Ok(Json(market.find_order(order).await?))
}

pub(super) async fn place(
    State(market): State<GoatMarket>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Created<OrderId>>), Failure> {
    let id = market.order(NewOrder::parse(&body)?).await?;
    Ok((StatusCode::CREATED, Json(Created { id })))
}
