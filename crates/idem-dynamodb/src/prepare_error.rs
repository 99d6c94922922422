//! What can be wrong with a table before the first request.

use std::{borrow::Cow, time::Duration};

use aws_sdk_dynamodb::error::BoxError;

/// Why a table cannot keep the records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The service failed, or refused the call.
    #[error("could not {action}")]
    DynamoDb {
        /// What was being done, and what it needs.
        action: &'static str,
        /// The SDK's error.
        source: BoxError,
    },
    /// The service did not answer in time.
    #[error("could not {action} within {} s", timeout.as_secs())]
    Timeout {
        /// What was being done.
        action: &'static str,
        /// How long it may take.
        timeout: Duration,
    },
    /// The description of the table cannot be right.
    #[error("the table is described wrongly: {why}")]
    Table {
        /// What is wrong, and what would be right.
        why: Cow<'static, str>,
    },
    /// There is no table of this name.
    #[error("there is no table {table}; create it, or let `prepare` do so")]
    MissingTable {
        /// Its name.
        table: String,
    },
    /// The table has other keys than was said.
    #[error("the table has the keys {found}, and the store was told {told}; describe it as it is")]
    Keys {
        /// What the service says.
        found: String,
        /// What the [`Table`](crate::Table) says.
        told: String,
    },
    /// Nothing would ever delete what has expired.
    #[error(
        "the table deletes nothing by the attribute `{attribute}`: {found}; enable its time to live on that \
         attribute, or let `prepare` do so"
    )]
    NoTimeToLive {
        /// The attribute that the store writes.
        attribute: String,
        /// How the table is set.
        found: String,
    },
    /// The bound on a call is too short to keep, or bounds nothing.
    #[error(
        "the call timeout of {} ms is not between 20 ms and 1 hour; it should be a little less than the policy \
         gives a call: half of its store timeout, and a third of the lease",
        timeout.as_millis()
    )]
    CallTimeout {
        /// What was asked for.
        timeout: Duration,
    },
}
