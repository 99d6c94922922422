//! The domain: goats, catalogs, exact prices and orders, without the web and without SQL.

pub mod catalog;
pub mod goat;
pub mod invalid;
mod json;
pub mod order;
pub mod price;
