//! Where the records of a market are.

use idem_core::IdempotencyStore;

/// Where the records of an `Axum` or an `Actix` are.
pub trait Records: Clone {
    /// An empty store. Clones share their records.
    fn store() -> impl IdempotencyStore + Clone;
}
