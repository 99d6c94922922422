//! The tables of orders and their items.

use std::time::SystemTime;

use async_trait::async_trait;
use idem_core::CurrentExecution;
use sqlx::SqliteConnection;

use crate::database::rows;
use crate::database::sqlite::catalog::price;
use crate::database::sqlite::{SqliteFile, commit};
use crate::database::{DatabaseError, Orders};
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId, OrderItem};

#[async_trait]
impl Orders for SqliteFile {
    async fn place(
        &self,
        order: NewOrder,
        current: Option<&CurrentExecution>,
    ) -> Result<Result<OrderId, Invalid>, DatabaseError> {
        self.writing(async {
            let mut transaction = self.begin(current).await?;
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
            commit(transaction).await?;
            Ok(Ok(order.id))
        })
        .await
    }

    async fn orders(&self) -> Result<Vec<Order>, DatabaseError> {
        sqlx::query_as(
            "SELECT id, total, date, goat_id, catalog_item, quantity \
             FROM orders JOIN order_items ON order_id = id ORDER BY seq, position",
        )
        .fetch_all(&mut *self.read().await?)
        .await
        .and_then(rows::orders)
        .map_err(DatabaseError::during("list the orders"))
    }

    async fn find_order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError> {
        sqlx::query_as(
            "SELECT id, total, date, goat_id, catalog_item, quantity \
             FROM orders JOIN order_items ON order_id = id WHERE id = ? ORDER BY position",
        )
        .bind(id.to_string())
        .fetch_all(&mut *self.read().await?)
        .await
        .and_then(|rows| Ok(rows::orders(rows)?.pop()))
        .map_err(DatabaseError::during("look an order up"))
    }
}

/// Some of it may be written if it fails: the transaction is rolled back then.
async fn insert(db: &mut SqliteConnection, order: &Order) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO orders (id, total, date) VALUES (?, ?, ?)")
        .bind(order.id.to_string())
        .bind(order.total.to_string())
        .bind(rows::date(order.date))
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
