//! The goats, in the partition `GOATS`.

use std::borrow::Cow;

use async_trait::async_trait;
use idem_core::CurrentExecution;
use serde::{Deserialize, Serialize};

use crate::database::dynamodb::table::{Failure, Item, Key, Table, damaged, text_of};
use crate::database::dynamodb::{DynamoTable, text, within};
use crate::database::{DatabaseError, Goats};
use crate::market::goat::{Breed, Goat, GoatId};

const GOATS: &str = "GOATS";

/// What is kept of a goat as JSON; its id is the key.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    name: Cow<'a, str>,
    owner: Cow<'a, str>,
    breed: Cow<'a, str>,
}

#[async_trait]
impl Goats for DynamoTable {
    async fn add_goat(
        &self,
        goat: &Goat,
        current: Option<&CurrentExecution>,
    ) -> Result<(), DatabaseError> {
        let saving = async {
            let kept = Kept {
                name: Cow::from(&goat.name),
                owner: Cow::from(&goat.owner),
                breed: Cow::from(goat.breed.as_str()),
            };
            let text = serde_json::to_string(&kept)?;
            text::insert(&self.table, &key(goat.id), text, current).await
        };
        within("save a goat", saving).await
    }

    async fn goats(&self) -> Result<Vec<Goat>, DatabaseError> {
        let listing = async {
            let mut goats = Vec::new();
            for item in self.table.list(GOATS).await? {
                goats.push(goat(&item, &text::read(&self.table, &item).await?)?);
            }
            Ok(goats)
        };
        within("list the goats", listing).await
    }
}

pub(super) async fn exists(table: &Table, id: GoatId) -> Result<bool, Failure> {
    Ok(table.find(&key(id)).await?.is_some())
}

pub(super) fn key(id: GoatId) -> Key {
    Key::new(GOATS, id.to_string())
}

fn goat(item: &Item, json: &str) -> Result<Goat, Failure> {
    let kept: Kept<'_> = serde_json::from_str(json).map_err(|_| damaged(item, "goat"))?;
    Ok(Goat {
        id: GoatId::parse(text_of(item, "sk")?).ok_or_else(|| damaged(item, "goat's id"))?,
        name: kept.name.into_owned(),
        owner: kept.owner.into_owned(),
        breed: Breed::named(&kept.breed).ok_or_else(|| damaged(item, "known breed"))?,
    })
}
