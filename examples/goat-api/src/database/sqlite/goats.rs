//! The table of goats.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::database::sqlite::{SqliteFile, damaged};
use crate::database::{DatabaseError, Goats};
use crate::market::goat::{Breed, Goat, GoatId};

#[async_trait]
impl Goats for SqliteFile {
    async fn add_goat(&self, goat: &Goat) -> Result<(), DatabaseError> {
        self.writing(async {
            let mut transaction = self.begin().await?;
            sqlx::query("INSERT INTO goats (id, name, owner, breed) VALUES (?, ?, ?, ?)")
                .bind(goat.id.to_string())
                .bind(&goat.name)
                .bind(&goat.owner)
                .bind(goat.breed.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(DatabaseError::during("save a goat"))?;
            self.commit(transaction).await
        })
        .await
    }

    async fn goats(&self) -> Result<Vec<Goat>, DatabaseError> {
        sqlx::query("SELECT id, name, owner, breed FROM goats ORDER BY seq")
            .fetch_all(&mut *self.read().await?)
            .await
            .and_then(|rows| rows.iter().map(goat).collect())
            .map_err(DatabaseError::during("list the goats"))
    }
}

/// Whether the market knows this goat.
pub(super) async fn exists(db: &mut SqliteConnection, id: GoatId) -> Result<bool, DatabaseError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM goats WHERE id = ?)")
        .bind(id.to_string())
        .fetch_one(db)
        .await
        .map_err(DatabaseError::during("look a goat up"))
}

fn goat(row: &SqliteRow) -> sqlx::Result<Goat> {
    Ok(Goat {
        id: goat_id(row, "id")?,
        name: row.try_get("name")?,
        owner: row.try_get("owner")?,
        breed: Breed::named(row.try_get("breed")?).ok_or_else(|| damaged("no known breed"))?,
    })
}

pub(super) fn goat_id(row: &SqliteRow, column: &str) -> sqlx::Result<GoatId> {
    GoatId::parse(row.try_get(column)?).ok_or_else(|| damaged("no goat's id"))
}
