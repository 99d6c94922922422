//! The market's operations, each in its transaction; every web framework's routes call these.

use std::time::{Duration, SystemTime};

use sqlx::SqliteConnection;

use crate::database::{self, Database, DatabaseError, catalog, goats, orders};
use crate::market::catalog::CatalogItem;
use crate::market::goat::{Goat, GoatId, NewGoat};
use crate::market::invalid::Invalid;
use crate::market::order::{NewOrder, Order, OrderId};
use crate::market::price::Price;

/// The market over its database; clones share it.
#[derive(Debug, Clone)]
pub struct GoatMarket {
    database: Database,
    order_delay: Duration,
}

impl GoatMarket {
    /// A market that keeps everything in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
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
        let mut db = self.database.read().await?;
        Ok(goats::all(&mut db).await?)
    }

    /// Registers a goat, each time as another one.
    ///
    /// # Errors
    /// The database failed; the goat is not registered.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped during the commit, the goat may be registered.
    pub async fn register(&self, new: NewGoat) -> Result<GoatId, MarketError> {
        let mut transaction = self.database.begin().await?;
        let id = register(&mut transaction, new).await?;
        database::commit(transaction).await?;
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
        let mut transaction = self.database.begin().await?;
        known(&mut transaction, goat).await?;
        catalog::put(&mut transaction, goat, item).await?;
        Ok(database::commit(transaction).await?)
    }

    /// A goat's catalog in the order in which its items were first added.
    ///
    /// # Errors
    /// The goat is unknown or the database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn catalog(&self, goat: GoatId) -> Result<Vec<CatalogItem>, MarketError> {
        let mut db = self.database.read().await?;
        known(&mut db, goat).await?;
        Ok(catalog::of(&mut db, goat).await?)
    }

    /// Places an order, each time as another one.
    ///
    /// # Errors
    /// An item is in no catalog or the database failed; nothing is saved.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped during the commit, the order may be placed.
    pub async fn order(&self, new: NewOrder) -> Result<OrderId, MarketError> {
        // Before the transaction: held over the delay, it would keep every other writer out.
        tokio::time::sleep(self.order_delay).await;
        let mut transaction = self.database.begin().await?;
        let id = place(&mut transaction, new, SystemTime::now()).await?;
        database::commit(transaction).await?;
        Ok(id)
    }

    /// All orders, oldest first.
    ///
    /// # Errors
    /// The database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn orders(&self) -> Result<Vec<Order>, MarketError> {
        let mut db = self.database.read().await?;
        Ok(orders::all(&mut db).await?)
    }

    /// The order of this id.
    ///
    /// # Errors
    /// There is none or the database failed.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn find_order(&self, id: OrderId) -> Result<Order, MarketError> {
        let mut db = self.database.read().await?;
        orders::find(&mut db, id)
            .await?
            .ok_or(MarketError::UnknownOrder(id))
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

/// Registers a goat within the caller's transaction.
///
/// # Errors
/// The database failed.
///
/// # Cancel safety
/// Not cancel safe on its own: roll the transaction back.
pub async fn register(db: &mut SqliteConnection, new: NewGoat) -> Result<GoatId, MarketError> {
    let id = GoatId::generate();
    let NewGoat { name, owner, breed } = new;
    let goat = Goat {
        id,
        name,
        owner,
        breed,
    };
    goats::insert(db, &goat).await?;
    Ok(id)
}

/// Places an order within the caller's transaction, which has to keep other writers out.
///
/// # Errors
/// An item is in no catalog or the database failed: roll the transaction back.
///
/// # Cancel safety
/// Not cancel safe on its own: roll the transaction back.
pub async fn place(
    db: &mut SqliteConnection,
    new: NewOrder,
    now: SystemTime,
) -> Result<OrderId, MarketError> {
    let prices = prices(db, &new).await?;
    let order = new.priced(&prices, now);
    orders::insert(db, &order).await?;
    Ok(order.id)
}

async fn prices(db: &mut SqliteConnection, new: &NewOrder) -> Result<Vec<Price>, MarketError> {
    let mut prices = Vec::with_capacity(new.items().len());
    for (index, item) in new.items().iter().enumerate() {
        let price = catalog::price(db, item.goat_id, &item.catalog_item).await?;
        prices.push(price.ok_or_else(|| item.unavailable(index))?);
    }
    Ok(prices)
}

async fn known(db: &mut SqliteConnection, goat: GoatId) -> Result<(), MarketError> {
    if goats::exists(db, goat).await? {
        Ok(())
    } else {
        Err(MarketError::UnknownGoat(goat))
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
