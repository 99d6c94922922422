//! The table of what each goat has on offer.

use async_trait::async_trait;

use crate::database::postgres::{PostgresDatabase, text, within};
use crate::database::rows::{self, CatalogRow};
use crate::database::{Catalogs, DatabaseError};
use crate::market::catalog::{CatalogItem, folded};
use crate::market::goat::GoatId;

#[async_trait]
impl Catalogs for PostgresDatabase {
    async fn offer(&self, goat: GoatId, item: &CatalogItem) -> Result<bool, DatabaseError> {
        let saving = async {
            // Without such a goat there is nothing to insert.
            let saved = sqlx::query(
                "INSERT INTO catalog (goat_id, folded, name, description, price) \
                 SELECT id, sha256(convert_to($2, 'UTF8')), $3, $4, $5 FROM goats WHERE id = $1 \
                 ON CONFLICT (goat_id, folded) DO UPDATE SET name = excluded.name, \
                 description = excluded.description, price = excluded.price",
            )
            .bind(goat.to_string())
            .bind(text::stored(&folded(&item.name)))
            .bind(text::stored(&item.name))
            .bind(text::stored(&item.description))
            .bind(item.price.to_string())
            .execute(&mut *self.read().await?)
            .await?;
            Ok(saved.rows_affected() > 0)
        };
        within("save a catalog item", saving).await
    }

    async fn catalog(&self, goat: GoatId) -> Result<Option<Vec<CatalogItem>>, DatabaseError> {
        let listing = async {
            let mut db = self.read().await?;
            let exists: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM goats WHERE id = $1)")
                    .bind(goat.to_string())
                    .fetch_one(&mut *db)
                    .await?;
            if !exists {
                return Ok(None);
            }
            let rows: Vec<CatalogRow> = sqlx::query_as(
                "SELECT name, description, price FROM catalog WHERE goat_id = $1 ORDER BY seq",
            )
            .bind(goat.to_string())
            .fetch_all(&mut *db)
            .await?;
            let items = rows.into_iter().map(|(name, description, price)| {
                rows::catalog_item((text::read(name), text::read(description), price))
            });
            items.collect::<sqlx::Result<_>>().map(Some)
        };
        within("list a catalog", listing).await
    }
}
