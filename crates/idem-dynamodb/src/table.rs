//! Where in which table the records are.

use std::borrow::Cow;

use crate::PrepareError;

/// A table, and the place of the records in it: a table of their own, or the one that an application has.
///
/// Unless told otherwise, the partition key is `pk`, there is no sort key, the time to live is `expires_at`,
/// and partition keys of records begin with `idem#`. For an existing table:
///
/// ```
/// use idem_dynamodb::Table;
///
/// let table = Table::new("market")
///     .partition_key("PK")
///     .sort_key("SK", "IDEM")
///     .ttl_attribute("ttl")
///     .prefix("IDEM#");
/// ```
///
/// Both keys are strings. All other attributes of a record begin with `idem_`, so an index of the application's has
/// a record only if its keys are among the table's keys and the time to live. An inverted index is such: all records
/// have one sort key, so they are in one partition there, which takes about a thousand writes a second. Use a table
/// of their own then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Table {
    pub(crate) name: String,
    pub(crate) partition_key: String,
    /// The attribute, and the value that all records have there.
    pub(crate) sort_key: Option<(String, String)>,
    pub(crate) ttl: String,
    pub(crate) prefix: String,
}

/// What follows the prefix in the longest partition key: a record's name, and what tells a part of a body.
const LONGEST_SUFFIX: usize = 64 + 1 + 32 + 1 + 5;

const LONGEST_PARTITION_KEY: usize = 2048;
const LONGEST_SORT_KEY: usize = 1024;

impl Table {
    /// A table by its name or ARN.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partition_key: "pk".to_owned(),
            sort_key: None,
            ttl: "expires_at".to_owned(),
            prefix: "idem#".to_owned(),
        }
    }

    /// Names the attribute of the partition key: `pk` unless set.
    pub fn partition_key(mut self, attribute: impl Into<String>) -> Self {
        self.partition_key = attribute.into();
        self
    }

    /// Names the attribute of the sort key, and the value that each record has there; without a call the table
    /// has no sort key.
    pub fn sort_key(mut self, attribute: impl Into<String>, value: impl Into<String>) -> Self {
        self.sort_key = Some((attribute.into(), value.into()));
        self
    }

    /// Names the attribute by which DynamoDB deletes what has expired: `expires_at` unless set. A table has
    /// only one.
    pub fn ttl_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.ttl = attribute.into();
        self
    }

    /// Sets what the partition keys of records begin with: `idem#` unless set. 64 hexadecimal digits of the
    /// record key follow.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Says what cannot be, without asking the service.
    pub(crate) fn check(&self) -> Result<(), PrepareError> {
        let refused = |why: Cow<'static, str>| Err(PrepareError::Table { why });
        if self.name.is_empty() {
            return refused("it has no name".into());
        }
        let sort = self
            .sort_key
            .as_ref()
            .map(|(attribute, _)| attribute.as_str());
        let attributes = [Some(self.partition_key.as_str()), sort, Some(&self.ttl)];
        let attributes: Vec<_> = attributes.into_iter().flatten().collect();
        for (index, attribute) in attributes.iter().enumerate() {
            if !(1..=255).contains(&attribute.len()) {
                return refused("the name of an attribute must have 1 to 255 bytes".into());
            }
            if attribute.starts_with("idem_") {
                let why = format!("`{attribute}` is the store's own; name another attribute");
                return refused(why.into());
            }
            if attributes[..index].contains(attribute) {
                let why = format!("`{attribute}` cannot be two attributes at once");
                return refused(why.into());
            }
        }
        if self.prefix.len() + LONGEST_SUFFIX > LONGEST_PARTITION_KEY {
            let most = LONGEST_PARTITION_KEY - LONGEST_SUFFIX;
            return refused(format!("the prefix must have at most {most} bytes").into());
        }
        match &self.sort_key {
            Some((_, value)) if !(1..=LONGEST_SORT_KEY).contains(&value.len()) => {
                refused("the value of the sort key must have 1 to 1024 bytes".into())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_cannot_be_is_told() {
        let table = || Table::new("market");
        let wrong = [
            (Table::new(""), "no name"),
            (table().partition_key(""), "1 to 255"),
            (table().ttl_attribute("x".repeat(256)), "1 to 255"),
            (table().ttl_attribute("idem_until"), "`idem_until`"),
            (table().ttl_attribute("pk"), "`pk`"),
            (table().sort_key("pk", "X"), "`pk`"),
            (table().sort_key("sk", ""), "1 to 1024"),
            (table().prefix("x".repeat(2000)), "at most 1945"),
        ];
        for (table, says) in wrong {
            let error = table.check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(table().sort_key("sk", "IDEM").prefix("").check().is_ok());
    }
}
