//! The goats, in the partition `GOATS`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::database::dynamodb::table::{Failure, Item, Key, Table, damaged, text_of};
use crate::database::dynamodb::text;
use crate::market::goat::{Breed, Goat, GoatId};

const GOATS: &str = "GOATS";

/// What is kept of a goat as JSON; its id is the key.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    name: Cow<'a, str>,
    owner: Cow<'a, str>,
    breed: Cow<'a, str>,
}

pub(super) async fn insert(table: &Table, goat: &Goat) -> Result<(), Failure> {
    let kept = Kept {
        name: Cow::from(&goat.name),
        owner: Cow::from(&goat.owner),
        breed: Cow::from(goat.breed.as_str()),
    };
    text::insert(table, &key(goat.id), serde_json::to_string(&kept)?).await
}

pub(super) async fn all(table: &Table) -> Result<Vec<Goat>, Failure> {
    let mut goats = Vec::new();
    for item in table.list(GOATS).await? {
        goats.push(goat(&item, &text::read(table, &item).await?)?);
    }
    Ok(goats)
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
