//! Where the market keeps its goats, their catalogs and its orders.

#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "postgres")]
pub mod postgres;
mod rows;
pub mod sqlite;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use idem_core::{CurrentExecution, IdempotencyStore};

use crate::market::catalog::CatalogItem;
use crate::market::goat::{Goat, GoatId};
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId};

/// A database of the market. Each operation is done as one or not at all.
///
/// An implementation bounds how long an operation waits, well below the default lease of 30
/// seconds: a request must not outlive its key.
#[async_trait]
pub trait Database: Goats + Catalogs + Orders + fmt::Debug + Send + Sync {
    /// Reads something, to see that the database is there and is the market's.
    ///
    /// # Errors
    /// It is not, or did not answer in time.
    ///
    /// # Cancel safety
    /// Safe.
    async fn probe(&self) -> Result<(), DatabaseError>;

    /// The store whose records this database commits together with what it writes.
    fn records(&self) -> Arc<dyn IdempotencyStore>;

    /// Says that a record could not be written, or the transaction that it was in: the next
    /// [probe](Self::probe) looks whether writes work.
    fn write_failed(&self);

    /// Waits for what is under way, and lets go of the database; nothing may be asked of it
    /// afterwards.
    ///
    /// # Cancel safety
    /// Safe: the database then stays closed to new work.
    async fn close(&self);
}

/// The goats of a database.
#[async_trait]
pub trait Goats {
    /// Adds a goat whose id is new.
    ///
    /// With an execution, whose store is [`Database::records`], the goat is committed with the record of the
    /// response, and rolled back if the request fails.
    ///
    /// # Errors
    /// The goat is not added, unless the connection broke while the answer was awaited.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, the goat may be added.
    async fn add_goat(
        &self,
        goat: &Goat,
        current: Option<&CurrentExecution>,
    ) -> Result<(), DatabaseError>;

    /// All goats, oldest first.
    ///
    /// # Errors
    /// They could not be read.
    ///
    /// # Cancel safety
    /// Safe.
    async fn goats(&self) -> Result<Vec<Goat>, DatabaseError>;
}

/// What each goat has on offer.
#[async_trait]
pub trait Catalogs {
    /// Adds an item to a goat's catalog, or replaces the one of that name in its place; `false` if
    /// there is no such goat.
    ///
    /// # Errors
    /// The catalog is as it was, unless the connection broke while the answer was awaited.
    ///
    /// # Cancel safety
    /// Safe: to do it again ends the same.
    async fn offer(&self, goat: GoatId, item: &CatalogItem) -> Result<bool, DatabaseError>;

    /// A goat's items in the order in which they were first added, if there is such a goat.
    ///
    /// # Errors
    /// They could not be read.
    ///
    /// # Cancel safety
    /// Safe.
    async fn catalog(&self, goat: GoatId) -> Result<Option<Vec<CatalogItem>>, DatabaseError>;
}

/// The orders of a database.
#[async_trait]
pub trait Orders {
    /// Saves an order at the prices of the catalogs, or tells the first of its items that is in none.
    /// An execution means what it means to [`Goats::add_goat`].
    ///
    /// # Errors
    /// The order is not saved, unless the connection broke while the answer was awaited.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, the order may be saved.
    async fn place(
        &self,
        order: NewOrder,
        current: Option<&CurrentExecution>,
    ) -> Result<Result<OrderId, Invalid>, DatabaseError>;

    /// All orders, oldest first.
    ///
    /// # Errors
    /// They could not be read.
    ///
    /// # Cancel safety
    /// Safe.
    async fn orders(&self) -> Result<Vec<Order>, DatabaseError>;

    /// One order, if there is one of this id.
    ///
    /// # Errors
    /// It could not be read.
    ///
    /// # Cancel safety
    /// Safe.
    async fn find_order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError>;
}

/// What a policy must give a store that is in the database, [`Policy::store_timeout`]: many requests at once
/// wait for one another there, and waiting a second is better than being refused.
///
/// [`Policy::store_timeout`]: idem_core::Policy::store_timeout
pub const STORE_TIMEOUT: Duration = Duration::from_secs(6);

/// How long the store itself lets a call take: a little less than the policy gives it for a request with this
/// lease, so that nothing lands that was given up.
fn call_timeout(lease: Duration) -> Duration {
    (STORE_TIMEOUT / 2).min(lease / 3) / 10 * 9
}

/// The database could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub struct DatabaseError {
    operation: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl DatabaseError {
    fn during<E>(operation: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        move |source| Self {
            operation,
            source: source.into(),
        }
    }
}
