//! The table of what each goat has on offer.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::database::rows::{self, CatalogRow};
use crate::database::sqlite::goats::exists;
use crate::database::sqlite::{SqliteFile, commit};
use crate::database::{Catalogs, DatabaseError};
use crate::market::catalog::{CatalogItem, folded};
use crate::market::goat::GoatId;
use crate::market::price::Price;

#[async_trait]
impl Catalogs for SqliteFile {
    async fn offer(&self, goat: GoatId, item: &CatalogItem) -> Result<bool, DatabaseError> {
        let statement = "INSERT INTO catalog (goat_id, folded, name, description, price) \
             VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (goat_id, folded) DO UPDATE \
             SET name = excluded.name, description = excluded.description, price = excluded.price";
        self.writing(async {
            let mut transaction = self.begin(None).await?;
            if !exists(&mut transaction, goat).await? {
                return Ok(false);
            }
            sqlx::query(statement)
                .bind(goat.to_string())
                .bind(folded(&item.name))
                .bind(&item.name)
                .bind(&item.description)
                .bind(item.price.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(DatabaseError::during("save a catalog item"))?;
            commit(transaction).await?;
            Ok(true)
        })
        .await
    }

    async fn catalog(&self, goat: GoatId) -> Result<Option<Vec<CatalogItem>>, DatabaseError> {
        let mut db = self.read().await?;
        if !exists(&mut db, goat).await? {
            return Ok(None);
        }
        sqlx::query_as(
            "SELECT name, description, price FROM catalog WHERE goat_id = ? ORDER BY seq",
        )
        .bind(goat.to_string())
        .fetch_all(&mut *db)
        .await
        .and_then(|rows: Vec<CatalogRow>| rows.into_iter().map(rows::catalog_item).collect())
        .map(Some)
        .map_err(DatabaseError::during("list a catalog"))
    }
}

/// What an item costs, if the goat has it on offer.
pub(super) async fn price(
    db: &mut SqliteConnection,
    goat: GoatId,
    name: &str,
) -> Result<Option<Price>, DatabaseError> {
    sqlx::query_scalar("SELECT price FROM catalog WHERE goat_id = ? AND folded = ?")
        .bind(goat.to_string())
        .bind(folded(name))
        .fetch_optional(db)
        .await
        .and_then(|price: Option<String>| price.map(|price| rows::stored_price(&price)).transpose())
        .map_err(DatabaseError::during("look a price up"))
}
