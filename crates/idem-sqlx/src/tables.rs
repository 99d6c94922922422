//! The names of the store's tables, and SQL text with these names in it.

use crate::InvalidName;

/// PostgreSQL cuts names at 63 bytes, and the longest ending here is `_renewals`.
const LONGEST_PREFIX: usize = 40;

/// PostgreSQL cuts names at 63 bytes.
const LONGEST_SCHEMA: usize = 63;

/// Begins every name in the crate's SQL files, and stands for the prefix of these tables.
const PREFIX_IN_FILES: &str = "idem_";

/// Where the store keeps its records: in tables whose names begin with a prefix, `idem` unless set,
/// in the connection's own schema unless set.
///
/// ```
/// use idem_sqlx::Tables;
///
/// # fn main() -> Result<(), idem_sqlx::InvalidName> {
/// // "billing"."payments_records" and two more.
/// let tables = Tables::with_prefix("payments")?.in_schema("billing")?;
/// # drop(tables);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    prefix: String,
    schema: Option<String>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            prefix: "idem".into(),
            schema: None,
        }
    }
}

impl Tables {
    /// Names the tables `{prefix}_records`, `{prefix}_schema` and, on PostgreSQL, `{prefix}_renewals`.
    ///
    /// # Errors
    /// The prefix is not 1 to 40 ASCII letters, digits and underscores, or begins with a digit.
    pub fn with_prefix(prefix: &str) -> Result<Self, InvalidName> {
        Ok(Self {
            prefix: checked(prefix, LONGEST_PREFIX)?,
            schema: None,
        })
    }

    /// Puts the tables into a schema of PostgreSQL, which must exist. Without it they are where the
    /// connection's `search_path` puts them.
    ///
    /// # Errors
    /// The name is not 1 to 63 ASCII letters, digits and underscores, or begins with a digit.
    pub fn in_schema(mut self, schema: &str) -> Result<Self, InvalidName> {
        self.schema = Some(checked(schema, LONGEST_SCHEMA)?);
        Ok(self)
    }

    /// The same tables, found whatever the connection's `search_path` is.
    #[cfg(feature = "postgres")]
    pub(crate) fn found_in(&self, schema: &str) -> Self {
        Self {
            // Unlike a name that was given, it may be any.
            schema: Some(schema.replace('"', "\"\"")),
            ..self.clone()
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn without_schema(&self) -> Self {
        Self {
            schema: None,
            ..self.clone()
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// A table's full name, quoted.
    pub(crate) fn named(&self, ending: &str) -> String {
        let Self { prefix, schema } = self;
        match schema {
            Some(schema) => format!("\"{schema}\".\"{prefix}_{ending}\""),
            None => format!("\"{prefix}_{ending}\""),
        }
    }

    /// An index's name, which is never qualified: an index is in its table's schema.
    fn index(&self, ending: &str) -> String {
        format!("\"{}_{ending}\"", self.prefix)
    }

    /// Puts these names into SQL text of this crate.
    pub(crate) fn fill(&self, sql: &str) -> String {
        let mut pieces = sql.split(PREFIX_IN_FILES);
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece
                .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
                .unwrap_or(piece.len());
            let (ending, rest) = piece.split_at(end);
            filled += &match ending {
                "sweep_at" | "until" => self.index(ending),
                table => self.named(table),
            };
            filled += rest;
        }
        filled
    }
}

/// Names are quoted wherever they stand, and these characters need no escaping in quotes.
fn checked(name: &str, longest: usize) -> Result<String, InvalidName> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_well = name
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit());
    if begins_well && name.len() <= longest && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err(InvalidName { longest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_qualified() {
        let tables = Tables::with_prefix("idem_records").unwrap();
        let tables = tables.in_schema("Odd").unwrap();
        let sql =
            "CREATE INDEX idem_sweep_at ON idem_records (sweep_at); SELECT FROM idem_renewals";
        assert_eq!(
            tables.fill(sql),
            "CREATE INDEX \"idem_records_sweep_at\" ON \"Odd\".\"idem_records_records\" (sweep_at); \
             SELECT FROM \"Odd\".\"idem_records_renewals\""
        );
    }

    #[test]
    fn a_name_that_would_need_escaping_is_refused() {
        let long = "x".repeat(41);
        for name in [
            "", "1st", "a b", "a\"b", "a;b", "a.b", "ä", "a\0", "a-b", &long,
        ] {
            assert!(Tables::with_prefix(name).is_err(), "{name:?}");
        }
        for name in ["a", "_", "Idem_2", &long[1..]] {
            assert!(Tables::with_prefix(name).is_ok(), "{name:?}");
        }
        assert!(Tables::default().in_schema("x\".y").is_err());
    }
}
