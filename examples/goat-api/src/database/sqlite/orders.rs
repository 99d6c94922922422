//! The tables of orders and their items.

use std::time::SystemTime;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::database::sqlite::catalog::{price, stored_price};
use crate::database::sqlite::goats::goat_id;
use crate::database::sqlite::{SqliteFile, damaged};
use crate::database::{DatabaseError, Orders};
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId, OrderItem, Quantity};

#[async_trait]
impl Orders for SqliteFile {
    async fn place(&self, order: NewOrder) -> Result<Result<OrderId, Invalid>, DatabaseError> {
        self.writing(async {
            let mut transaction = self.begin().await?;
            let mut prices = Vec::with_capacity(order.items().len());
            for (index, item) in order.items().iter().enumerate() {
                match price(&mut transaction, item.goat_id, &item.catalog_item).await? {
                    Some(price) => prices.push(price),
                    None => return Ok(Err(item.unavailable(index))),
                }
            }
            let order = order.priced(&prices, SystemTime::now());
            let inserted = insert(&mut transaction, &order).await;
            inserted.map_err(DatabaseError::during("save an order"))?;
            self.commit(transaction).await?;
            Ok(Ok(order.id))
        })
        .await
    }

    async fn orders(&self) -> Result<Vec<Order>, DatabaseError> {
        sqlx::query(
            "SELECT id, total, date, goat_id, catalog_item, quantity \
             FROM orders JOIN order_items ON order_id = id ORDER BY seq, position",
        )
        .fetch_all(&mut *self.read().await?)
        .await
        .and_then(|rows| orders(&rows))
        .map_err(DatabaseError::during("list the orders"))
    }

    async fn find_order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError> {
        sqlx::query(
            "SELECT id, total, date, goat_id, catalog_item, quantity \
             FROM orders JOIN order_items ON order_id = id WHERE id = ? ORDER BY position",
        )
        .bind(id.to_string())
        .fetch_all(&mut *self.read().await?)
        .await
        .and_then(|rows| Ok(orders(&rows)?.pop()))
        .map_err(DatabaseError::during("look an order up"))
    }
}

/// Some of it may be written if it fails: the transaction is rolled back then.
async fn insert(db: &mut SqliteConnection, order: &Order) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO orders (id, total, date) VALUES (?, ?, ?)")
        .bind(order.id.to_string())
        .bind(order.total.to_string())
        .bind(humantime::format_rfc3339_millis(order.date).to_string())
        .execute(&mut *db)
        .await?;
    for (position, item) in (0_i64..).zip(&order.items) {
        insert_item(db, order.id, position, item).await?;
    }
    Ok(())
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
