//! The table of goats.

use async_trait::async_trait;
use idem_core::CurrentExecution;

use crate::database::postgres::{PostgresDatabase, text, within};
use crate::database::rows::{self, GoatRow};
use crate::database::{DatabaseError, Goats};
use crate::market::goat::Goat;

#[async_trait]
impl Goats for PostgresDatabase {
    async fn add_goat(
        &self,
        goat: &Goat,
        current: Option<&CurrentExecution>,
    ) -> Result<(), DatabaseError> {
        let saving = async {
            let mut transaction = self.begin(current).await?;
            sqlx::query("INSERT INTO goats (id, name, owner, breed) VALUES ($1, $2, $3, $4)")
                .bind(goat.id.to_string())
                .bind(text::stored(&goat.name))
                .bind(text::stored(&goat.owner))
                .bind(goat.breed.as_str())
                .execute(&mut *transaction)
                .await?;
            transaction.commit_with_response().await
        };
        within("save a goat", saving).await
    }

    async fn goats(&self) -> Result<Vec<Goat>, DatabaseError> {
        let listing = async {
            let rows: Vec<GoatRow> =
                sqlx::query_as("SELECT id, name, owner, breed FROM goats ORDER BY seq")
                    .fetch_all(&mut *self.read().await?)
                    .await?;
            let goats = rows.into_iter().map(|(id, name, owner, breed)| {
                rows::goat((id, text::read(name), text::read(owner), breed))
            });
            goats.collect()
        };
        within("list the goats", listing).await
    }
}
