//! The tables of orders and their items.

use std::borrow::Cow;
use std::time::SystemTime;

use async_trait::async_trait;
use idem_core::CurrentExecution;
use sqlx::PgConnection;

use crate::database::postgres::{PostgresDatabase, text, within};
use crate::database::rows::{self, OrderRow};
use crate::database::{DatabaseError, Orders};
use crate::market::catalog::folded;
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId, OrderItem};
use crate::market::price::Price;

#[async_trait]
impl Orders for PostgresDatabase {
    async fn place(
        &self,
        order: NewOrder,
        current: Option<&CurrentExecution>,
    ) -> Result<Result<OrderId, Invalid>, DatabaseError> {
        let placing = async {
            let mut transaction = self.begin(current).await?;
            let prices = match prices(&mut transaction, order.items()).await? {
                Ok(prices) => prices,
                Err(unavailable) => return Ok(Err(unavailable)),
            };
            let order = order.priced(&prices, SystemTime::now());
            insert(&mut transaction, &order).await?;
            transaction.commit_with_response().await?;
            Ok(Ok(order.id))
        };
        within("place an order", placing).await
    }

    async fn orders(&self) -> Result<Vec<Order>, DatabaseError> {
        let listing = async {
            let rows: Vec<OrderRow> = sqlx::query_as(
                "SELECT id, total, date, goat_id, catalog_item, quantity \
                 FROM orders JOIN order_items ON order_id = id ORDER BY seq, position",
            )
            .fetch_all(&mut *self.read().await?)
            .await?;
            orders(rows)
        };
        within("list the orders", listing).await
    }

    async fn find_order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError> {
        let finding = async {
            let rows: Vec<OrderRow> = sqlx::query_as(
                "SELECT id, total, date, goat_id, catalog_item, quantity \
                 FROM orders JOIN order_items ON order_id = id WHERE id = $1 ORDER BY position",
            )
            .bind(id.to_string())
            .fetch_all(&mut *self.read().await?)
            .await?;
            Ok(orders(rows)?.pop())
        };
        within("look an order up", finding).await
    }
}

/// The price of each item as of one instant, or the first that is in no catalog.
async fn prices(
    db: &mut PgConnection,
    items: &[OrderItem],
) -> sqlx::Result<Result<Vec<Price>, Invalid>> {
    let names = items.iter().map(|item| folded(&item.catalog_item));
    let names: Vec<_> = names.map(|name| text::stored(&name).into_owned()).collect();
    let found: Vec<Option<String>> = sqlx::query_scalar(
        "SELECT price FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (goat_id, name, position) \
         LEFT JOIN catalog ON catalog.goat_id = asked.goat_id AND folded = sha256(convert_to(asked.name, 'UTF8')) \
         ORDER BY position",
    )
    .bind(goats(items))
    .bind(names)
    .fetch_all(db)
    .await?;
    let mut prices = Vec::with_capacity(items.len());
    for (index, (item, price)) in items.iter().zip(found).enumerate() {
        match price {
            Some(price) => prices.push(rows::stored_price(&price)?),
            None => return Ok(Err(item.unavailable(index))),
        }
    }
    Ok(Ok(prices))
}

/// Some of it may be written if it fails: the transaction is rolled back then.
async fn insert(db: &mut PgConnection, order: &Order) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO orders (id, total, date) VALUES ($1, $2, $3)")
        .bind(order.id.to_string())
        .bind(order.total.to_string())
        .bind(rows::date(order.date))
        .execute(&mut *db)
        .await?;
    let names = order
        .items
        .iter()
        .map(|item| text::stored(&item.catalog_item));
    let quantities = order
        .items
        .iter()
        .map(|item| i64::from(item.quantity.as_u32()));
    sqlx::query(
        "INSERT INTO order_items (order_id, position, goat_id, catalog_item, quantity) \
         SELECT $1, position, goat_id, name, quantity \
         FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS items (goat_id, name, quantity, position)",
    )
    .bind(order.id.to_string())
    .bind(goats(&order.items))
    .bind(names.map(Cow::into_owned).collect::<Vec<_>>())
    .bind(quantities.collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

fn goats(items: &[OrderItem]) -> Vec<String> {
    items.iter().map(|item| item.goat_id.to_string()).collect()
}

fn orders(rows: Vec<OrderRow>) -> sqlx::Result<Vec<Order>> {
    let rows = rows
        .into_iter()
        .map(|(id, total, date, goat, item, quantity)| {
            (id, total, date, goat, text::read(item), quantity)
        });
    rows::orders(rows.collect())
}
