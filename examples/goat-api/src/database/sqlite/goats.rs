//! The table of goats.

use async_trait::async_trait;
use idem_core::CurrentExecution;
use sqlx::SqliteConnection;

use crate::database::rows::{self, GoatRow};
use crate::database::sqlite::{SqliteFile, commit};
use crate::database::{DatabaseError, Goats};
use crate::market::goat::{Goat, GoatId};

#[async_trait]
impl Goats for SqliteFile {
    async fn add_goat(
        &self,
        goat: &Goat,
        current: Option<&CurrentExecution>,
    ) -> Result<(), DatabaseError> {
        self.writing(async {
            let mut transaction = self.begin(current).await?;
            sqlx::query("INSERT INTO goats (id, name, owner, breed) VALUES (?, ?, ?, ?)")
                .bind(goat.id.to_string())
                .bind(&goat.name)
                .bind(&goat.owner)
                .bind(goat.breed.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(DatabaseError::during("save a goat"))?;
            commit(transaction).await
        })
        .await
    }

    async fn goats(&self) -> Result<Vec<Goat>, DatabaseError> {
        sqlx::query_as("SELECT id, name, owner, breed FROM goats ORDER BY seq")
            .fetch_all(&mut *self.read().await?)
            .await
            .and_then(|rows: Vec<GoatRow>| rows.into_iter().map(rows::goat).collect())
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
