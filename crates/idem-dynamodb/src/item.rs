//! A record as an item: its attributes, and the conditions on them.
//!
//! | attribute | what |
//! |---|---|
//! | `idem_state` | `pending` or `completed` |
//! | `idem_owner` | the owner's token, 16 bytes |
//! | `idem_until` | when the lease or the retention ends, in milliseconds since 1970 |
//! | `idem_record` | the record in the core's codec, if it is short |
//! | `idem_parts`, `idem_digest` | else in how many items it is, and its digest, which is in their names |
//! | `idem_transaction` | which transaction wrote it, if one did |
//! | the time to live | when DynamoDB may delete the item, in seconds since 1970 |

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use idem_core::{RecordKey, store::OwnerToken};

use crate::{Table, clock::MARGIN, failure::Failure};

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) const STATE: &str = "idem_state";
pub(crate) const OWNER: &str = "idem_owner";
pub(crate) const UNTIL: &str = "idem_until";
pub(crate) const RECORD: &str = "idem_record";
pub(crate) const PARTS: &str = "idem_parts";
pub(crate) const DIGEST: &str = "idem_digest";
pub(crate) const TRANSACTION: &str = "idem_transaction";

pub(crate) const PENDING: &str = "pending";
pub(crate) const COMPLETED: &str = "completed";

/// Absent, over for its writer, or this owner's lease, which is over for its holder at once.
pub(crate) const CAN_BE_CLAIMED: &str = "attribute_not_exists(#pk) OR idem_until <= :over OR \
    (idem_owner = :owner AND idem_state = :pending AND idem_until <= :now)";

/// This owner's lease runs.
pub(crate) const IS_HELD: &str =
    "idem_owner = :owner AND idem_state = :state AND idem_until > :now";

/// This owner's lease runs, and ends no later than one of its duration can: it would be later for a host whose clock
/// is behind, and that host would write an end that has passed.
pub(crate) const IS_RENEWABLE: &str = "idem_owner = :owner AND idem_state = :state AND \
    idem_until > :now AND idem_until <= :latest";

/// This owner has it in this state, over or not.
pub(crate) const IS_OURS: &str = "idem_owner = :owner AND idem_state = :state";

/// This owner's lease, over or not, or nothing that counts.
pub(crate) const CAN_BE_COMPLETED: &str = "attribute_not_exists(#pk) OR idem_until <= :over OR \
    (idem_owner = :owner AND idem_state = :pending)";

/// How long after its end an item may be deleted, in seconds: every question after a transaction in doubt is
/// over by then.
const KEPT: i64 = 60 * 60;

/// As long again, so that a record that is read has all of its parts.
const PARTS_KEPT: i64 = 2 * KEPT;

/// More than any record has: all of them are asked for at once.
const MOST_PARTS: usize = 1_000;

impl Table {
    /// The key of a record's item.
    pub(crate) fn key(&self, key: &RecordKey) -> Item {
        self.key_of(format!("{}{key}", self.prefix))
    }

    /// The key of a part of a record.
    pub(crate) fn part_key(&self, key: &RecordKey, digest: &str, number: usize) -> Item {
        self.key_of(format!("{}{key}#{digest}#{number}", self.prefix))
    }

    fn key_of(&self, text: String) -> Item {
        let sort = self.sort_key.iter();
        sort.map(|(attribute, value)| (attribute.clone(), string(value)))
            .chain([(self.partition_key.clone(), AttributeValue::S(text))])
            .collect()
    }

    /// When an item may be deleted that ends then.
    pub(crate) fn swept(&self, until: i64) -> (String, AttributeValue) {
        (self.ttl.clone(), number(seconds(until) + KEPT))
    }

    pub(crate) fn parts_swept(&self, until: i64) -> (String, AttributeValue) {
        (self.ttl.clone(), number(seconds(until) + PARTS_KEPT))
    }
}

const fn seconds(milliseconds: i64) -> i64 {
    milliseconds / 1_000 + 1
}

pub(crate) fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn bytes(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(crate) fn owner(owner: &OwnerToken) -> AttributeValue {
    bytes(owner.as_bytes().as_slice())
}

/// An item that stands under a record's key.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) is_pending: bool,
    owner: Vec<u8>,
    pub(crate) until: i64,
    pub(crate) record: Content,
    transaction: Option<Vec<u8>>,
}

/// Where the bytes of a record are.
#[derive(Debug)]
pub(crate) enum Content {
    Here(Vec<u8>),
    Parts { digest: Vec<u8>, count: usize },
}

impl Found {
    /// Reads an item.
    ///
    /// # Errors
    /// Something else stands there.
    pub(crate) fn read(mut item: Item) -> Result<Self, Failure> {
        let mut taken = |name| item.remove(name);
        let is_pending = match text(taken(STATE)).as_deref() {
            Some(PENDING) => true,
            Some(COMPLETED) => false,
            _ => return Err(damaged(STATE)),
        };
        let record = match (
            blob(taken(RECORD)),
            integer(taken(PARTS)),
            blob(taken(DIGEST)),
        ) {
            (Some(record), ..) => Content::Here(record),
            (None, Some(count), Some(digest)) => Content::Parts {
                digest,
                count: usize::try_from(count)
                    .ok()
                    .filter(|count| *count <= MOST_PARTS)
                    .ok_or_else(|| damaged(PARTS))?,
            },
            _ => return Err(damaged(RECORD)),
        };
        Ok(Self {
            is_pending,
            owner: blob(taken(OWNER)).ok_or_else(|| damaged(OWNER))?,
            until: integer(taken(UNTIL)).ok_or_else(|| damaged(UNTIL))?,
            record,
            transaction: blob(taken(TRANSACTION)),
        })
    }

    pub(crate) fn is_of(&self, owner: &OwnerToken) -> bool {
        self.owner == owner.as_bytes()
    }

    /// Whether it is this owner's lease, over or not.
    pub(crate) fn is_lease_of(&self, owner: &OwnerToken) -> bool {
        self.is_pending && self.is_of(owner)
    }

    /// Whether it is this owner's lease, which runs.
    pub(crate) fn is_held(&self, owner: &OwnerToken, now: i64) -> bool {
        self.is_lease_of(owner) && self.until > now
    }

    /// Whether it counts for those whose it is not.
    pub(crate) const fn stands(&self, now: i64) -> bool {
        self.until.saturating_add(MARGIN) > now
    }

    /// Whether this very transaction of the owner's wrote it.
    pub(crate) fn is_by(&self, owner: &OwnerToken, transaction: &str) -> bool {
        self.is_of(owner) && self.transaction.as_deref() == Some(transaction.as_bytes())
    }
}

fn damaged(attribute: &'static str) -> Failure {
    Failure::corrupt(format!(
        "the item has no `{attribute}` that can be read: something else stands under the prefix"
    ))
}

fn text(value: Option<AttributeValue>) -> Option<String> {
    match value? {
        AttributeValue::S(text) => Some(text),
        _ => None,
    }
}

fn integer(value: Option<AttributeValue>) -> Option<i64> {
    match value? {
        AttributeValue::N(number) => number.parse().ok(),
        _ => None,
    }
}

pub(crate) fn blob(value: Option<AttributeValue>) -> Option<Vec<u8>> {
    match value? {
        AttributeValue::B(blob) => Some(blob.into_inner()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(more: &[(&str, AttributeValue)]) -> Item {
        let mut item = Item::from([
            (STATE.to_owned(), string(COMPLETED)),
            (OWNER.to_owned(), bytes([1; 16])),
            (UNTIL.to_owned(), number(i64::MAX)),
        ]);
        let more = more.iter();
        item.extend(more.map(|(name, value)| ((*name).to_owned(), value.clone())));
        item
    }

    #[test]
    fn an_end_beyond_all_time_stands() {
        let found = Found::read(item(&[(RECORD, bytes([1]))])).unwrap();
        assert!(found.stands(253_402_300_799_999));
    }

    #[test]
    fn a_record_of_more_parts_than_any_has_is_damaged() {
        let parts = |count| {
            let parts = [(PARTS, number(count)), (DIGEST, bytes([1; 16]))];
            Found::read(item(&parts)).is_ok()
        };
        assert!(parts(43) && !parts(-1) && !parts(i64::MAX));
    }
}
