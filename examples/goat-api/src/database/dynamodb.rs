//! The market in one DynamoDB table.
//!
//! | what | `pk` | `sk` |
//! |---|---|---|
//! | a goat | `GOATS` | its id |
//! | an item of its catalog | `GOAT#` and the goat's id | `ITEM#` and a digest of the folded name |
//! | an order | `ORDERS` | its id |
//! | a part of a text that is too long for one item | `TEXT#` and an id | the part's number |
//! | an idempotency record, of `idem-dynamodb` | `idem#` and its name | `IDEM` |
//!
//! Ids are in the order of creation, and so are lists: exactly for one process, and for several as
//! far as their clocks agree. All goats are in one partition, and so are all orders: each takes
//! about a thousand new ones a second.
//!
//! A goat or an order is written in one transaction with the record of its request, if that has a key and its
//! records are here.
//!
//! Nothing but records is ever deleted. A price that was read was therefore on offer at that moment, and stays
//! the order's whatever comes after; the prices of up to 25 items are read as of one instant. The
//! order does not check them once more while it is written: two such checks of one item are in each
//! other's way, and so would orders be for what everybody wants.

mod catalog;
mod goats;
mod orders;
mod table;
mod text;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use idem_core::IdempotencyStore;
use tokio::time::timeout;

use crate::database::dynamodb::table::{Failure, Table};
pub use crate::database::dynamodb::table::{WANTED, WANTED_FOR_RECORDS};
use crate::database::{Database, DatabaseError};

/// How long an operation may take, with all that it calls and repeats.
///
/// It stays below the default lease and below the time that a Lambda function has.
const PATIENCE: Duration = Duration::from_secs(8);

/// A table of AWS, or of a stand-in; clones share its connections.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    table: Table,
}

impl DynamoTable {
    /// Opens the table of this name, and creates it if there is none.
    ///
    /// For a table that is there it takes one read, and needs none of the rights to create or
    /// describe tables. Creation is waited for, up to 60 seconds. A table that is created deletes the
    /// records that have expired; one that is there must have been told to, by the attribute `expires_at`.
    ///
    /// `lease` is the shortest lease of a request whose record is in the table.
    ///
    /// # Errors
    /// The table cannot be read or created, or there are no credentials or no region.
    ///
    /// # Cancel safety
    /// Safe: a table that is being created is waited for by the next call.
    pub async fn open(name: &str, lease: Duration) -> Result<Self, DatabaseError> {
        let table = Table::open(name, lease).await;
        let table = table.map_err(DatabaseError::during("open the table"))?;
        Ok(Self { table })
    }
}

#[async_trait]
impl Database for DynamoTable {
    async fn probe(&self) -> Result<(), DatabaseError> {
        within("read from the table", self.table.probe()).await
    }

    fn records(&self) -> Arc<dyn IdempotencyStore> {
        self.table.records()
    }

    fn write_failed(&self) {}

    /// Nothing is open between two operations.
    async fn close(&self) {}
}

/// Bounds an operation in time.
async fn within<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, DatabaseError> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(DatabaseError::during(operation)),
        Err(elapsed) => Err(DatabaseError::during(operation)(elapsed)),
    }
}
