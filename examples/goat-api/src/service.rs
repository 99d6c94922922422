//! The market's operations; every web framework's routes call these.

use std::sync::Arc;
use std::time::Duration;

use crate::database::{Database, DatabaseError};
use crate::market::catalog::CatalogItem;
use crate::market::goat::{Goat, GoatId, NewGoat};
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId};

/// The market over its database; clones share it.
#[derive(Debug, Clone)]
pub struct GoatMarket {
    database: Arc<dyn Database>,
    order_delay: Duration,
}

impl GoatMarket {
    /// A market that keeps everything in `database`.
    #[must_use]
    pub fn new(database: Arc<dyn Database>) -> Self {
        Self {
            database,
            order_delay: Duration::ZERO,
        }
    }

    /// Makes placing an order take this long, so that a person can watch one in progress.
    #[must_use]
    pub fn order_delay(self, order_delay: Duration) -> Self {
        Self {
            order_delay,
            ..self
        }
    }

    /// All goats, oldest first.
    ///
    /// # Errors
    /// The database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn goats(&self) -> Result<Vec<Goat>, MarketError> {
        Ok(self.database.goats().await?)
    }

    /// Registers a goat, each time as another one.
    ///
    /// # Errors
    /// The database failed; the goat is not registered, unless the connection broke while the answer was
    /// awaited.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped while it is saved, the goat may be registered.
    pub async fn register(&self, new: NewGoat) -> Result<GoatId, MarketError> {
        let id = GoatId::generate();
        let NewGoat { name, owner, breed } = new;
        let goat = Goat {
            id,
            name,
            owner,
            breed,
        };
        self.database.add_goat(&goat).await?;
        Ok(id)
    }

    /// Adds an item to a goat's catalog, or replaces the one of that name.
    ///
    /// # Errors
    /// The goat is unknown or the database failed; the catalog is as it was.
    ///
    /// # Cancel safety
    /// Safe: to do it again ends the same.
    pub async fn offer(&self, goat: GoatId, item: &CatalogItem) -> Result<(), MarketError> {
        if self.database.offer(goat, item).await? {
            Ok(())
        } else {
            Err(MarketError::UnknownGoat(goat))
        }
    }

    /// A goat's catalog in the order in which its items were first added.
    ///
    /// # Errors
    /// The goat is unknown or the database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn catalog(&self, goat: GoatId) -> Result<Vec<CatalogItem>, MarketError> {
        let catalog = self.database.catalog(goat).await?;
        catalog.ok_or(MarketError::UnknownGoat(goat))
    }

    /// Places an order, each time as another one.
    ///
    /// # Errors
    /// An item is in no catalog or the database failed; nothing is saved, unless the connection broke
    /// while the answer was awaited.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped while it is saved, the order may be placed.
    pub async fn order(&self, new: NewOrder) -> Result<OrderId, MarketError> {
        // Before the database has anything to do with it: its other writers must not wait.
        tokio::time::sleep(self.order_delay).await;
        Ok(self.database.place(new).await??)
    }

    /// All orders, oldest first.
    ///
    /// # Errors
    /// The database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn orders(&self) -> Result<Vec<Order>, MarketError> {
        Ok(self.database.orders().await?)
    }

    /// The order of this id.
    ///
    /// # Errors
    /// There is none or the database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn find_order(&self, id: OrderId) -> Result<Order, MarketError> {
        let order = self.database.find_order(id).await?;
        order.ok_or(MarketError::UnknownOrder(id))
    }

    /// Whether the database can be read.
    ///
    /// # Errors
    /// The database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn probe(&self) -> Result<(), MarketError> {
        Ok(self.database.probe().await?)
    }

    /// Waits for what is under way, and closes the database.
    ///
    /// # Cancel safety
    /// Safe: the market then stays closed to new work.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarketError {
    /// What the client asked for makes no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such goat.
    #[error("there is no goat {0}")]
    UnknownGoat(GoatId),
    /// There is no such order.
    #[error("there is no order {0}")]
    UnknownOrder(OrderId),
    /// The database failed.
    #[error("the market's database failed")]
    Database(#[from] DatabaseError),
}
