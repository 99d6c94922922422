//! What each goat has on offer, in a partition of its own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem, Update};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::database::dynamodb::table::{
    Failure, Item, Key, MOST_TOGETHER, Table, damaged, text_of,
};
use crate::database::dynamodb::text::{self, Placed};
use crate::database::dynamodb::{DynamoTable, goats, within};
use crate::database::{Catalogs, DatabaseError};
use crate::market::catalog::{CatalogItem, folded};
use crate::market::goat::GoatId;
use crate::market::invalid::Invalid;
use crate::market::order::OrderItem;
use crate::market::price::Price;

/// What is kept of a catalog item as JSON; the price is beside it, for orders to read.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    name: Cow<'a, str>,
    description: Cow<'a, str>,
}

#[async_trait]
impl Catalogs for DynamoTable {
    async fn offer(&self, goat: GoatId, item: &CatalogItem) -> Result<bool, DatabaseError> {
        let saving = async {
            let kept = Kept {
                name: Cow::from(&item.name),
                description: Cow::from(&item.description),
            };
            let text = serde_json::to_string(&kept)?;
            // Or each try would leave its parts behind.
            if text::is_long(&text) && !goats::exists(&self.table, goat).await? {
                return Ok(false);
            }
            let text = text::place(&self.table, text).await?;
            let known = TransactWriteItem::builder().condition_check(known(&self.table, goat)?);
            let update =
                TransactWriteItem::builder().update(update(&self.table, goat, item, text)?);
            let writes = vec![known.build(), update.build()];
            self.table.write_together(writes).await
        };
        within("save a catalog item", saving).await
    }

    async fn catalog(&self, goat: GoatId) -> Result<Option<Vec<CatalogItem>>, DatabaseError> {
        let listing = async {
            if !goats::exists(&self.table, goat).await? {
                return Ok(None);
            }
            let mut catalog = Vec::new();
            for item in self.table.list(partition(goat)).await? {
                let text = text::read(&self.table, &item).await?;
                let added = text_of(&item, "added")?.to_owned();
                catalog.push((added, catalog_item(&item, &text)?));
            }
            catalog.sort_by(|(one, _), (other, _)| one.cmp(other));
            Ok(Some(catalog.into_iter().map(|(_, item)| item).collect()))
        };
        within("list a catalog", listing).await
    }
}

/// What each item of an order costs, or the first that is not on offer.
pub(super) async fn prices(
    table: &Table,
    items: &[OrderItem],
) -> Result<Result<Vec<Price>, Invalid>, Failure> {
    let keys: Vec<_> = items
        .iter()
        .map(|item| key(item.goat_id, &item.catalog_item))
        .collect();
    let on_offer = on_offer(table, &keys).await?;
    let price = |((index, item), key): ((usize, &OrderItem), &Key)| {
        let price = on_offer.get(key).cloned();
        price.ok_or_else(|| item.unavailable(index))
    };
    Ok(items.iter().enumerate().zip(&keys).map(price).collect())
}

/// The prices of those that are there, each of which is read once.
async fn on_offer(table: &Table, keys: &[Key]) -> Result<HashMap<Key, Price>, Failure> {
    let different: HashSet<_> = keys.iter().cloned().collect();
    let different = Vec::from_iter(different);
    let mut prices = HashMap::new();
    for keys in different.chunks(MOST_TOGETHER) {
        let found = table.find_together(keys, "pk, sk, price").await?;
        for (key, item) in keys.iter().zip(found) {
            if let Some(item) = item {
                prices.insert(key.clone(), price(&item)?);
            }
        }
    }
    Ok(prices)
}

fn known(table: &Table, goat: GoatId) -> Result<ConditionCheck, Failure> {
    let check = ConditionCheck::builder().table_name(table.name());
    let check = check.set_key(Some(goats::key(goat).attributes()));
    Ok(check.condition_expression("attribute_exists(pk)").build()?)
}

/// Whoever adds it first gives it its place.
fn update(
    table: &Table,
    goat: GoatId,
    item: &CatalogItem,
    text: Placed,
) -> Result<Update, Failure> {
    let (attribute, value) = text.attribute;
    let added = Uuid::now_v7().to_string();
    let update = Update::builder().table_name(table.name());
    let update = update
        .set_key(Some(key(goat, &item.name).attributes()))
        .update_expression(
            "SET added = if_not_exists(added, :added), price = :price, #text = :text REMOVE #other",
        )
        .expression_attribute_names("#text", attribute)
        .expression_attribute_names("#other", text.other)
        .expression_attribute_values(":added", AttributeValue::S(added))
        .expression_attribute_values(":price", AttributeValue::S(item.price.to_string()))
        .expression_attribute_values(":text", value);
    Ok(update.build()?)
}

fn catalog_item(item: &Item, json: &str) -> Result<CatalogItem, Failure> {
    let kept: Kept<'_> = serde_json::from_str(json).map_err(|_| damaged(item, "catalog item"))?;
    Ok(CatalogItem {
        name: kept.name.into_owned(),
        description: kept.description.into_owned(),
        price: price(item)?,
    })
}

fn price(item: &Item) -> Result<Price, Failure> {
    Price::from_stored(text_of(item, "price")?).map_err(|_| damaged(item, "price"))
}

/// A name may be longer than the 1024 bytes that a key may have.
fn key(goat: GoatId, name: &str) -> Key {
    let digest = Sha256::digest(folded(name));
    Key::new(partition(goat), format!("ITEM#{digest:x}"))
}

fn partition(goat: GoatId) -> String {
    format!("GOAT#{goat}")
}
