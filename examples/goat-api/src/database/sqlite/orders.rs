//! The tables of orders and their items.

use std::time::SystemTime;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::database::DatabaseError;
use crate::database::sqlite::catalog::stored_price;
use crate::database::sqlite::damaged;
use crate::database::sqlite::goats::goat_id;
use crate::market::order::{Order, OrderId, OrderItem, Quantity};

/// Saves an order; the caller commits.
///
/// # Errors
/// Some of it may be written: roll the transaction back.
///
/// # Cancel safety
/// Not cancel safe on its own: roll the transaction back.
pub(super) async fn insert(db: &mut SqliteConnection, order: &Order) -> Result<(), DatabaseError> {
    let saving = || DatabaseError::during("save an order");
    sqlx::query("INSERT INTO orders (id, total, date) VALUES (?, ?, ?)")
        .bind(order.id.to_string())
        .bind(order.total.to_string())
        .bind(humantime::format_rfc3339_millis(order.date).to_string())
        .execute(&mut *db)
        .await
        .map_err(saving())?;
    for (position, item) in (0_i64..).zip(&order.items) {
        insert_item(db, order.id, position, item)
            .await
            .map_err(saving())?;
    }
    Ok(())
}

/// All orders, oldest first.
///
/// # Errors
/// They could not be read.
///
/// # Cancel safety
/// Safe.
pub(super) async fn all(db: &mut SqliteConnection) -> Result<Vec<Order>, DatabaseError> {
    sqlx::query(
        "SELECT id, total, date, goat_id, catalog_item, quantity \
         FROM orders JOIN order_items ON order_id = id ORDER BY seq, position",
    )
    .fetch_all(db)
    .await
    .and_then(|rows| orders(&rows))
    .map_err(DatabaseError::during("list the orders"))
}

/// One order, if there is one of this id.
///
/// # Errors
/// It could not be read.
///
/// # Cancel safety
/// Safe.
pub(super) async fn find(
    db: &mut SqliteConnection,
    id: OrderId,
) -> Result<Option<Order>, DatabaseError> {
    sqlx::query(
        "SELECT id, total, date, goat_id, catalog_item, quantity \
         FROM orders JOIN order_items ON order_id = id WHERE id = ? ORDER BY position",
    )
    .bind(id.to_string())
    .fetch_all(db)
    .await
    .and_then(|rows| Ok(orders(&rows)?.pop()))
    .map_err(DatabaseError::during("look an order up"))
}

async fn insert_item(
    db: &mut SqliteConnection,
    order: OrderId,
    position: i64,
    item: &OrderItem,
) -> sqlx::Result<()> {
    let statement = "INSERT INTO order_items \
         (order_id, position, goat_id, catalog_item, quantity) VALUES (?, ?, ?, ?, ?)";
    sqlx::query(statement)
        .bind(order.to_string())
        .bind(position)
        .bind(item.goat_id.to_string())
        .bind(&item.catalog_item)
        .bind(item.quantity.as_u32())
        .execute(db)
        .await?;
    Ok(())
}

/// Groups rows of one item each, in which the items of an order stand together.
fn orders(rows: &[SqliteRow]) -> sqlx::Result<Vec<Order>> {
    let mut orders: Vec<Order> = Vec::new();
    for row in rows {
        let (id, item) = (order_id(row)?, item(row)?);
        match orders.last_mut() {
            Some(order) if order.id == id => order.items.push(item),
            _ => orders.push(first_of(row, id, item)?),
        }
    }
    Ok(orders)
}

fn first_of(row: &SqliteRow, id: OrderId, item: OrderItem) -> sqlx::Result<Order> {
    Ok(Order {
        id,
        items: vec![item],
        total: stored_price(row, "total")?,
        date: date(row)?,
    })
}

fn item(row: &SqliteRow) -> sqlx::Result<OrderItem> {
    Ok(OrderItem {
        goat_id: goat_id(row, "goat_id")?,
        catalog_item: row.try_get("catalog_item")?,
        quantity: Quantity::new(row.try_get("quantity")?).ok_or_else(|| damaged("no quantity"))?,
    })
}

fn order_id(row: &SqliteRow) -> sqlx::Result<OrderId> {
    OrderId::parse(row.try_get("id")?).ok_or_else(|| damaged("no order's id"))
}

fn date(row: &SqliteRow) -> sqlx::Result<SystemTime> {
    humantime::parse_rfc3339(row.try_get("date")?).map_err(damaged)
}
