//! The writes that a handler collects, each of which may have an answer of its own.

use std::fmt;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};
use idem_core::Response;

use crate::{Table, TransactionError, item::Item};

/// How many actions DynamoDB takes a transaction.
pub(crate) const MOST: usize = 100;

/// Actions on items that differ.
#[derive(Default)]
pub(crate) struct Actions {
    items: Vec<TransactWriteItem>,
    targets: Vec<Target>,
    answers: Vec<Option<Response>>,
}

/// What an action is about.
enum Target {
    Key(String, Item),
    /// A whole item, of which nobody here knows the key's attributes.
    Whole(String, Item),
}

impl Target {
    /// Whether both are certainly the same item.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one, key), Self::Key(other, same)) => one == other && key == same,
            (Self::Key(one, key), Self::Whole(other, item))
            | (Self::Whole(one, item), Self::Key(other, key)) => {
                one == other
                    && key
                        .iter()
                        .all(|(name, value)| item.get(name) == Some(value))
            }
            (Self::Whole(one, item), Self::Whole(other, same)) => one == other && item == same,
        }
    }
}

impl Actions {
    pub(crate) fn put(
        &mut self,
        put: Put,
        table: &Table,
        most: usize,
    ) -> Result<&mut Option<Response>, TransactionError> {
        let target = put_target(&put, table);
        let item = TransactWriteItem::builder().put(put).build();
        self.add(item, target, most)
    }

    pub(crate) fn update(
        &mut self,
        update: Update,
        most: usize,
    ) -> Result<&mut Option<Response>, TransactionError> {
        let target = Target::Key(update.table_name.clone(), update.key.clone());
        let item = TransactWriteItem::builder().update(update).build();
        self.add(item, target, most)
    }

    pub(crate) fn delete(
        &mut self,
        delete: Delete,
        most: usize,
    ) -> Result<&mut Option<Response>, TransactionError> {
        let target = Target::Key(delete.table_name.clone(), delete.key.clone());
        let item = TransactWriteItem::builder().delete(delete).build();
        self.add(item, target, most)
    }

    pub(crate) fn check(
        &mut self,
        check: ConditionCheck,
        most: usize,
    ) -> Result<&mut Option<Response>, TransactionError> {
        let target = Target::Key(check.table_name.clone(), check.key.clone());
        let item = TransactWriteItem::builder().condition_check(check).build();
        self.add(item, target, most)
    }

    fn add(
        &mut self,
        item: TransactWriteItem,
        target: Target,
        most: usize,
    ) -> Result<&mut Option<Response>, TransactionError> {
        if self.items.len() >= most {
            return Err(TransactionError::TooMany { most });
        }
        if self.targets.iter().any(|other| other.is(&target)) {
            return Err(TransactionError::SameItem);
        }
        self.items.push(item);
        self.targets.push(target);
        let index = self.answers.len();
        self.answers.push(None);
        Ok(&mut self.answers[index])
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The actions, and the answer of each.
    pub(crate) fn into_parts(self) -> (Vec<TransactWriteItem>, Vec<Option<Response>>) {
        (self.items, self.answers)
    }
}

impl fmt::Debug for Actions {
    /// Without what they write, which is the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} actions", self.len())
    }
}

/// The key of a put into the store's own table is known.
fn put_target(put: &Put, table: &Table) -> Target {
    let name = put.table_name.clone();
    if name != table.name {
        return Target::Whole(name, put.item.clone());
    }
    let sort = table.sort_key.as_ref().map(|(attribute, _)| attribute);
    let attributes = [Some(&table.partition_key), sort];
    let key = attributes.into_iter().flatten().filter_map(|attribute| {
        let value = put.item.get(attribute)?;
        Some((attribute.clone(), value.clone()))
    });
    Target::Key(name, key.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::string;

    fn table() -> Table {
        Table::new("market").sort_key("sk", "IDEM")
    }

    fn put(table: &str, pk: &str, name: &str) -> Put {
        let put = Put::builder().table_name(table);
        let put = put.item("pk", string(pk)).item("sk", string("A"));
        put.item("name", string(name)).build().unwrap()
    }

    fn check(table: &str, pk: &str) -> ConditionCheck {
        let check = ConditionCheck::builder().table_name(table);
        let check = check.key("pk", string(pk)).key("sk", string("A"));
        check
            .condition_expression("attribute_exists(pk)")
            .build()
            .unwrap()
    }

    fn is_refused(actions: &mut Actions, put: Put) -> bool {
        let refused = actions.put(put, &table(), MOST);
        matches!(refused, Err(TransactionError::SameItem))
    }

    #[test]
    fn an_item_is_written_once() {
        for name in ["market", "elsewhere"] {
            let mut actions = Actions::default();
            actions.check(check(name, "1"), MOST).unwrap();
            assert!(is_refused(&mut actions, put(name, "1", "goat")));
            assert!(!is_refused(&mut actions, put(name, "2", "goat")));
            assert!(!is_refused(&mut actions, put("other", "1", "goat")));
            let again = actions.check(check(name, "2"), MOST);
            assert!(matches!(again, Err(TransactionError::SameItem)));
        }
        let mut actions = Actions::default();
        assert!(!is_refused(&mut actions, put("market", "1", "goat")));
        assert!(is_refused(&mut actions, put("market", "1", "another goat")));
    }

    #[test]
    fn debug_shows_nothing_that_is_written() {
        let mut actions = Actions::default();
        actions
            .put(put("market", "1", "a secret goat"), &table(), MOST)
            .unwrap();
        assert_eq!(format!("{actions:?}"), "1 actions");
    }

    #[test]
    fn no_more_actions_are_taken_than_dynamodb_takes() {
        let mut actions = Actions::default();
        for number in 0..99 {
            let put = put("market", &number.to_string(), "goat");
            actions.put(put, &table(), MOST - 1).unwrap();
        }
        let one_more = actions.put(put("market", "99", "goat"), &table(), MOST - 1);
        assert!(matches!(
            one_more,
            Err(TransactionError::TooMany { most: 99 })
        ));
        assert_eq!(actions.len(), 99);
    }
}
