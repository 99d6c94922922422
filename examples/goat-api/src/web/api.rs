//! What each route does, from what came over HTTP to its answer.

use crate::market::catalog::CatalogItem;
use crate::market::goat::{GoatId, NewGoat};
use crate::market::order::{NewOrder, OrderId};
use crate::service::GoatMarket;
use crate::web::answer::{Answer, Failure};

type Answered = Result<Answer, Failure>;

/// `GET /goats`
pub(super) async fn goats(market: &GoatMarket) -> Answered {
    Ok(Answer::list(market.goats().await?))
}

/// `POST /goats`
pub(super) async fn register(market: &GoatMarket, body: impl Body) -> Answered {
    let new = NewGoat::parse(body.await?.as_ref())?;
    Ok(Answer::created(market.register(new).await?))
}

/// `GET /goats/{goatId}/catalog`
pub(super) async fn catalog(market: &GoatMarket, goat: &str) -> Answered {
    let items = market.catalog(goat_id(goat)?).await?;
    Ok(Answer::list(items))
}

/// `POST /goats/{goatId}/catalog`
pub(super) async fn offer(market: &GoatMarket, goat: &str, body: impl Body) -> Answered {
    let goat = goat_id(goat)?;
    let item = CatalogItem::parse(body.await?.as_ref())?;
    market.offer(goat, &item).await?;
    Ok(Answer::no_content())
}

/// `GET /orders`
pub(super) async fn orders(market: &GoatMarket) -> Answered {
    Ok(Answer::list(market.orders().await?))
}

/// `POST /orders`
pub(super) async fn order(market: &GoatMarket, body: impl Body) -> Answered {
    let new = NewOrder::parse(body.await?.as_ref())?;
    Ok(Answer::created(market.order(new).await?))
}

/// `GET /orders/{orderId}`
pub(super) async fn find_order(market: &GoatMarket, order: &str) -> Answered {
    let id = OrderId::parse(order).ok_or_else(|| Failure::not_found("order", order))?;
    Ok(Answer::ok(&market.find_order(id).await?))
}

/// A body that is about to be read, once the path is known to name something that can exist.
pub(super) trait Body: Future<Output = Result<Self::Bytes, Failure>> {
    type Bytes: AsRef<[u8]>;
}

impl<F: Future<Output = Result<B, Failure>>, B: AsRef<[u8]>> Body for F {
    type Bytes = B;
}

/// A text that is no id names nothing that exists.
fn goat_id(text: &str) -> Result<GoatId, Failure> {
    GoatId::parse(text).ok_or_else(|| Failure::not_found("goat", text))
}
