//! What each route does, from what came over HTTP to its answer.

use std::sync::Arc;
use std::time::Duration;

use idem_core::{CurrentExecution, Idempotency, Policy};

use crate::database::{Database, STORE_TIMEOUT};
use crate::market::catalog::CatalogItem;
use crate::market::goat::{Goat, GoatId, NewGoat};
use crate::market::order::{NewOrder, Order, OrderId};
use crate::web::answer::{Answer, Created, Failure, Listed};
use crate::web::openapi::failures::{Failed, Faulty, UnknownGoat, UnknownOrder};

/// The market over its database; clones share it.
#[derive(Debug, Clone)]
pub struct GoatMarket {
    database: Arc<dyn Database>,
    records_are_there: bool,
    order_delay: Duration,
}

impl GoatMarket {
    /// A market that keeps everything in `database`.
    #[must_use]
    pub fn new(database: Arc<dyn Database>) -> Self {
        Self {
            database,
            records_are_there: false,
            order_delay: Duration::ZERO,
        }
    }

    /// Has each goat and order committed together with the record of its request, so that it comes to be
    /// exactly once; gives what the routes must be under for that, too.
    #[must_use]
    pub fn exactly_once(self, policy: Policy) -> (Self, Idempotency) {
        let records = self.database.records();
        let idempotency = Idempotency::new(records, policy.store_timeout(STORE_TIMEOUT));
        let market = Self {
            records_are_there: true,
            ..self
        };
        (market, idempotency)
    }

    /// Makes placing an order take this long, so that a person can watch one in progress.
    #[must_use]
    pub fn order_delay(self, order_delay: Duration) -> Self {
        Self {
            order_delay,
            ..self
        }
    }

    /// Where it keeps everything.
    #[must_use]
    pub fn database(&self) -> &dyn Database {
        &*self.database
    }

    /// The execution that the database is to end, if its record is there.
    fn enlisted<'a>(&self, current: Option<&'a CurrentExecution>) -> Option<&'a CurrentExecution> {
        current.filter(|_| self.records_are_there)
    }
}

type Answered = Result<Answer, Failure>;

/// All goats, oldest first.
#[utoipa::path(get, path = "/goats", tag = "goats", operation_id = "listGoats", responses(
    (status = 200, description = "The goats.", body = Listed<Goat>, links(
        ("catalog" = (operation_id = "listCatalog", parameters(("goatId" = "$response.body#/items/0/id")))),
    ), example = json!({"items": [{"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "name": "Heidi", "owner": "Peter", "breed": "Nubian"}]})),
    Failed,
))]
pub(super) async fn goats(market: &GoatMarket) -> Answered {
    Ok(Answer::list(market.database.goats().await?))
}

/// Registers a goat: once, if it is sent again under one key.
#[utoipa::path(post, path = "/goats", tag = "goats", operation_id = "registerGoat",
    request_body(content = NewGoat,
            example = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"})),
    responses(
        (status = 201, description = "The goat's id.", body = Created<GoatId>, links(
            ("catalog" = (operation_id = "listCatalog", parameters(("goatId" = "$response.body#/id")))),
            ("offer" = (operation_id = "offerItem", parameters(("goatId" = "$response.body#/id")))),
        ), example = json!({"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"})),
        Faulty, Failed,
    ),
)]
pub(super) async fn register(
    market: &GoatMarket,
    current: Option<&CurrentExecution>,
    body: impl Body,
) -> Answered {
    let NewGoat { name, owner, breed } = NewGoat::parse(body.await?.as_ref())?;
    let id = GoatId::generate();
    let goat = Goat {
        id,
        name,
        owner,
        breed,
    };
    let current = market.enlisted(current);
    market.database.add_goat(&goat, current).await?;
    Ok(Answer::created(id))
}

/// What a goat has on offer, in the order in which its items were first added.
#[utoipa::path(get, path = "/goats/{goatId}/catalog", tag = "goats", operation_id = "listCatalog",
    params(("goatId" = GoatId, Path, description = "Whose catalog.")),
    responses(
        (status = 200, description = "The items.", body = Listed<CatalogItem>,
            example = json!({"items": [{"name": "Milk", "description": "A litre of it", "price": 2.5}]})),
        UnknownGoat, Failed,
    ),
)]
pub(super) async fn catalog(market: &GoatMarket, goat: &str) -> Answered {
    let goat = goat_id(goat)?;
    let items = market.database.catalog(goat).await?;
    Ok(Answer::list(
        items.ok_or_else(|| Failure::not_found("goat", goat))?,
    ))
}

/// Adds an item to a goat's catalog, or replaces the one of that name.
///
/// It needs no key: done twice, it ends the same.
#[utoipa::path(post, path = "/goats/{goatId}/catalog", tag = "goats", operation_id = "offerItem",
    params(("goatId" = GoatId, Path, description = "Whose catalog.")),
    request_body(content = CatalogItem,
            example = json!({"name": "Milk", "description": "A litre of it", "price": 2.5})),
    responses(
        (status = 204, description = "The item is on offer.", links(
            ("order" = (operation_id = "placeOrder", request_body = json!({"items": [{
                "goatId": "$request.path.goatId",
                "catalogItem": "$request.body#/name",
                "quantity": 3,
            }]}))),
        )),
        Faulty, UnknownGoat, Failed,
    ),
)]
pub(super) async fn offer(market: &GoatMarket, goat: &str, body: impl Body) -> Answered {
    let goat = goat_id(goat)?;
    let item = CatalogItem::parse(body.await?.as_ref())?;
    match market.database.offer(goat, &item).await? {
        true => Ok(Answer::no_content()),
        false => Err(Failure::not_found("goat", goat)),
    }
}

/// All orders, oldest first.
#[utoipa::path(get, path = "/orders", tag = "orders", operation_id = "listOrders", responses(
    (status = 200, description = "The orders.", body = Listed<Order>,
            example = json!({"items": [{"id": "0190163d-8694-739b-aea5-966c26f8ad91", "items": [{"goatId": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "catalogItem": "Milk", "quantity": 3}], "total": 7.5, "date": "2026-01-31T09:30:00.000Z"}]})),
    Failed,
))]
pub(super) async fn orders(market: &GoatMarket) -> Answered {
    Ok(Answer::list(market.database.orders().await?))
}

/// Places an order: once, if it is sent again under one key.
#[utoipa::path(post, path = "/orders", tag = "orders", operation_id = "placeOrder",
    request_body(content = NewOrder, description = "Each item must be in the catalog of its goat.",
        example = json!({"items": [{"goatId": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "catalogItem": "Milk", "quantity": 3}]})),
    responses(
        (status = 201, description = "The order's id.", body = Created<OrderId>, links(
            ("order" = (operation_id = "findOrder", parameters(("orderId" = "$response.body#/id")))),
        ), example = json!({"id": "0190163d-8694-739b-aea5-966c26f8ad91"})),
        Faulty, Failed,
    ),
)]
pub(super) async fn order(
    market: &GoatMarket,
    current: Option<&CurrentExecution>,
    body: impl Body,
) -> Answered {
    let new = NewOrder::parse(body.await?.as_ref())?;
    // Before the database has anything to do with it: its other writers must not wait.
    tokio::time::sleep(market.order_delay).await;
    let current = market.enlisted(current);
    let placed = market.database.place(new, current).await?;
    Ok(Answer::created(placed?))
}

/// The order of this id.
#[utoipa::path(get, path = "/orders/{orderId}", tag = "orders", operation_id = "findOrder",
    params(("orderId" = OrderId, Path, description = "Which order.")),
    responses(
        (status = 200, description = "The order.", body = Order,
            example = json!({"id": "0190163d-8694-739b-aea5-966c26f8ad91", "items": [{"goatId": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "catalogItem": "Milk", "quantity": 3}], "total": 7.5, "date": "2026-01-31T09:30:00.000Z"})),
        UnknownOrder, Failed,
    ),
)]
pub(super) async fn find_order(market: &GoatMarket, order: &str) -> Answered {
    let id = OrderId::parse(order).ok_or_else(|| Failure::not_found("order", order))?;
    let order = market.database.find_order(id).await?;
    Ok(Answer::ok(
        &order.ok_or_else(|| Failure::not_found("order", id))?,
    ))
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
