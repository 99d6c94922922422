//! The table of what each goat has on offer.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::database::DatabaseError;
use crate::database::sqlite::damaged;
use crate::market::catalog::{CatalogItem, folded};
use crate::market::goat::GoatId;
use crate::market::price::Price;

/// Adds an item, or replaces the one of that name in its place; the caller commits.
///
/// # Errors
/// The catalog is as it was. An unknown goat is such an error too.
///
/// # Cancel safety
/// Not cancel safe on its own: roll the transaction back.
pub(super) async fn put(
    db: &mut SqliteConnection,
    goat: GoatId,
    item: &CatalogItem,
) -> Result<(), DatabaseError> {
    let statement = "INSERT INTO catalog (goat_id, folded, name, description, price) \
         VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (goat_id, folded) DO UPDATE \
         SET name = excluded.name, description = excluded.description, price = excluded.price";
    sqlx::query(statement)
        .bind(goat.to_string())
        .bind(folded(&item.name))
        .bind(&item.name)
        .bind(&item.description)
        .bind(item.price.to_string())
        .execute(db)
        .await
        .map_err(DatabaseError::during("save a catalog item"))?;
    Ok(())
}

/// A goat's items in the order in which they were first added.
///
/// # Errors
/// They could not be read.
///
/// # Cancel safety
/// Safe.
pub(super) async fn of(
    db: &mut SqliteConnection,
    goat: GoatId,
) -> Result<Vec<CatalogItem>, DatabaseError> {
    sqlx::query("SELECT name, description, price FROM catalog WHERE goat_id = ? ORDER BY seq")
        .bind(goat.to_string())
        .fetch_all(db)
        .await
        .and_then(|rows| rows.iter().map(item).collect())
        .map_err(DatabaseError::during("list a catalog"))
}

/// What an item costs, if the goat has it on offer.
///
/// # Errors
/// It could not be read.
///
/// # Cancel safety
/// Safe.
pub(super) async fn price(
    db: &mut SqliteConnection,
    goat: GoatId,
    name: &str,
) -> Result<Option<Price>, DatabaseError> {
    sqlx::query("SELECT price FROM catalog WHERE goat_id = ? AND folded = ?")
        .bind(goat.to_string())
        .bind(folded(name))
        .fetch_optional(db)
        .await
        .and_then(|row| row.map(|row| stored_price(&row, "price")).transpose())
        .map_err(DatabaseError::during("look a price up"))
}

fn item(row: &SqliteRow) -> sqlx::Result<CatalogItem> {
    Ok(CatalogItem {
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        price: stored_price(row, "price")?,
    })
}

pub(super) fn stored_price(row: &SqliteRow, column: &str) -> sqlx::Result<Price> {
    Price::from_stored(row.try_get(column)?).map_err(damaged)
}
