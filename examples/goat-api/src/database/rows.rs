//! What rows of SQL hold, read back as the market's own. Ids, prices and dates are text in every database.

use std::error::Error;
use std::time::SystemTime;

use crate::market::catalog::CatalogItem;
use crate::market::goat::{Breed, Goat, GoatId};
use crate::market::order::{Order, OrderId, OrderItem, Quantity};
use crate::market::price::Price;

/// Its id, name, owner and breed.
pub(super) type GoatRow = (String, String, String, String);

/// Its name, description and price.
pub(super) type CatalogRow = (String, String, String);

/// An order's id, total and date, and the goat, name and quantity of one of its items.
pub(super) type OrderRow = (String, String, String, String, String, i64);

pub(super) fn goat((id, name, owner, breed): GoatRow) -> sqlx::Result<Goat> {
    Ok(Goat {
        id: goat_id(&id)?,
        name,
        owner,
        breed: Breed::named(&breed).ok_or_else(|| damaged("no known breed"))?,
    })
}

pub(super) fn catalog_item((name, description, price): CatalogRow) -> sqlx::Result<CatalogItem> {
    Ok(CatalogItem {
        name,
        description,
        price: stored_price(&price)?,
    })
}

pub(super) fn stored_price(text: &str) -> sqlx::Result<Price> {
    Price::from_stored(text).map_err(damaged)
}

/// A date as it is written.
pub(super) fn date(date: SystemTime) -> String {
    humantime::format_rfc3339_millis(date).to_string()
}

/// Groups rows of one item each, in which the items of an order stand together.
pub(super) fn orders(rows: Vec<OrderRow>) -> sqlx::Result<Vec<Order>> {
    let mut orders: Vec<Order> = Vec::new();
    for (id, total, date, goat, catalog_item, quantity) in rows {
        let id = OrderId::parse(&id).ok_or_else(|| damaged("no order's id"))?;
        let item = OrderItem {
            goat_id: goat_id(&goat)?,
            catalog_item,
            quantity: stored_quantity(quantity)?,
        };
        match orders.last_mut() {
            Some(order) if order.id == id => order.items.push(item),
            _ => orders.push(Order {
                id,
                items: vec![item],
                total: stored_price(&total)?,
                date: humantime::parse_rfc3339(&date).map_err(damaged)?,
            }),
        }
    }
    Ok(orders)
}

fn goat_id(text: &str) -> sqlx::Result<GoatId> {
    GoatId::parse(text).ok_or_else(|| damaged("no goat's id"))
}

fn stored_quantity(number: i64) -> sqlx::Result<Quantity> {
    let quantity = u32::try_from(number).ok().and_then(Quantity::new);
    quantity.ok_or_else(|| damaged("no quantity"))
}

/// What a row holds is not what was written: somebody else changed it.
fn damaged(cause: impl Into<Box<dyn Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(cause.into())
}
