//! Texts of any length, where an item has at most 400 KB.
//!
//! What is too long for its item is put aside in parts first, under an id of its own; the item that
//! then names the id makes it count. Parts are never changed, so whoever reads the item reads the
//! text that was written with it. Parts that no item names, since their writer failed or their item
//! was replaced, stay in the table and do no harm.

use aws_sdk_dynamodb::types::AttributeValue;
use idem_core::CurrentExecution;
use uuid::Uuid;

use crate::database::dynamodb::table::{
    Failure, Item, Key, Table, damaged, string, text_in, text_of,
};

/// How many bytes an item holds itself: as many such as are read as of one instant are below 4 MB.
const LONGEST: usize = 128 * 1024;

/// How many bytes a part has at most.
const PART: usize = 300 * 1024;

/// The attribute with the text, or with the id under which it was put aside.
const ATTRIBUTES: [&str; 2] = ["json", "aside"];

/// Where a text is: what its item must have, and what it must not have any more.
pub(super) struct Placed {
    pub(super) attribute: (String, AttributeValue),
    pub(super) other: &'static str,
}

/// Whether a text is put aside.
pub(super) const fn is_long(text: &str) -> bool {
    text.len() > LONGEST
}

/// Makes a text ready to be named by an item.
pub(super) async fn place(table: &Table, text: String) -> Result<Placed, Failure> {
    let [whole, aside] = ATTRIBUTES;
    if !is_long(&text) {
        let attribute = string(whole, text);
        return Ok(Placed {
            attribute,
            other: aside,
        });
    }
    let id = Uuid::now_v7().to_string();
    for (number, part) in parts(&text).enumerate() {
        let mut item = Key::new(partition(&id), format!("{number:04}")).attributes();
        item.extend([string("part", part)]);
        table.put(item).await?;
    }
    let attribute = string(aside, id);
    Ok(Placed {
        attribute,
        other: whole,
    })
}

/// Writes an item that is new and has nothing but a text, as [`Table::insert`] does.
pub(super) async fn insert(
    table: &Table,
    key: &Key,
    text: String,
    current: Option<&CurrentExecution>,
) -> Result<(), Failure> {
    let placed = place(table, text).await?;
    let mut item = key.attributes();
    item.extend([placed.attribute]);
    table.insert(item, current).await
}

/// The text that an item has or names.
pub(super) async fn read(table: &Table, item: &Item) -> Result<String, Failure> {
    let [whole, aside] = ATTRIBUTES;
    if let Some(text) = text_in(item, whole) {
        return Ok(text.to_owned());
    }
    let id = text_in(item, aside).ok_or_else(|| damaged(item, whole))?;
    let parts = table.list(partition(id)).await?;
    parts.iter().map(|part| text_of(part, "part")).collect()
}

fn partition(id: &str) -> String {
    format!("TEXT#{id}")
}

fn parts(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (part, rest) = text.split_at(text.floor_char_boundary(PART));
        text = rest;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_loses_nothing() {
        for text in ["", "milk", &"x".repeat(PART), &"a🐐".repeat(PART / 2)] {
            let parts: Vec<_> = parts(text).collect();
            assert!(parts.iter().all(|part| (1..=PART).contains(&part.len())));
            assert_eq!(parts.concat(), text);
            assert_eq!(parts.len(), text.len().div_ceil(PART - 3));
        }
    }
}
