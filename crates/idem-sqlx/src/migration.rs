//! The steps from no tables to those of this release.

/// One step of the schema, as SQL text of one or more statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    pub(crate) version: i32,
    pub(crate) sql: String,
}

impl Migration {
    /// The version that the schema has after it, counted from 1.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// The statements, to be run in one transaction. Where they were run before they do nothing.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }
}
