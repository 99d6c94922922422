//! The orders, in the partition `ORDERS`.

use std::borrow::Cow;
use std::time::SystemTime;

use async_trait::async_trait;
use idem_core::CurrentExecution;
use serde::{Deserialize, Serialize};

use crate::database::dynamodb::catalog::prices;
use crate::database::dynamodb::table::{Failure, Item, Key, damaged, text_of};
use crate::database::dynamodb::{DynamoTable, text, within};
use crate::database::{DatabaseError, Orders};
use crate::market::goat::GoatId;
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId, OrderItem, Quantity};
use crate::market::price::Price;

const ORDERS: &str = "ORDERS";

/// What is kept of an order as JSON; its id is the key.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    items: Vec<KeptItem<'a>>,
    total: String,
    date: String,
}

#[derive(Serialize, Deserialize)]
struct KeptItem<'a> {
    goat: String,
    item: Cow<'a, str>,
    quantity: u32,
}

#[async_trait]
impl Orders for DynamoTable {
    async fn place(
        &self,
        order: NewOrder,
        current: Option<&CurrentExecution>,
    ) -> Result<Result<OrderId, Invalid>, DatabaseError> {
        let placing = async {
            let prices = match prices(&self.table, order.items()).await? {
                Ok(prices) => prices,
                Err(unavailable) => return Ok(Err(unavailable)),
            };
            let order = order.priced(&prices, SystemTime::now());
            let kept = Kept {
                items: order.items.iter().map(kept).collect(),
                total: order.total.to_string(),
                date: humantime::format_rfc3339_millis(order.date).to_string(),
            };
            let text = serde_json::to_string(&kept)?;
            text::insert(&self.table, &key(order.id), text, current).await?;
            Ok(Ok(order.id))
        };
        within("place an order", placing).await
    }

    async fn orders(&self) -> Result<Vec<Order>, DatabaseError> {
        let listing = async {
            let mut orders = Vec::new();
            for item in self.table.list(ORDERS).await? {
                orders.push(order(&item, &text::read(&self.table, &item).await?)?);
            }
            Ok(orders)
        };
        within("list the orders", listing).await
    }

    async fn find_order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError> {
        let finding = async {
            match self.table.find(&key(id)).await? {
                Some(item) => order(&item, &text::read(&self.table, &item).await?).map(Some),
                None => Ok(None),
            }
        };
        within("look an order up", finding).await
    }
}

fn key(id: OrderId) -> Key {
    Key::new(ORDERS, id.to_string())
}

fn kept(item: &OrderItem) -> KeptItem<'_> {
    KeptItem {
        goat: item.goat_id.to_string(),
        item: Cow::from(&item.catalog_item),
        quantity: item.quantity.as_u32(),
    }
}

fn order(item: &Item, json: &str) -> Result<Order, Failure> {
    let kept: Kept<'_> = serde_json::from_str(json).map_err(|_| damaged(item, "order"))?;
    let items: Option<_> = kept.items.into_iter().map(order_item).collect();
    Ok(Order {
        id: OrderId::parse(text_of(item, "sk")?).ok_or_else(|| damaged(item, "order's id"))?,
        items: items.ok_or_else(|| damaged(item, "goat's id or quantity"))?,
        total: Price::from_stored(&kept.total).map_err(|_| damaged(item, "total"))?,
        date: date(&kept.date).ok_or_else(|| damaged(item, "date"))?,
    })
}

fn order_item(kept: KeptItem<'_>) -> Option<OrderItem> {
    Some(OrderItem {
        goat_id: GoatId::parse(&kept.goat)?,
        catalog_item: kept.item.into_owned(),
        quantity: Quantity::new(kept.quantity)?,
    })
}

fn date(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}
