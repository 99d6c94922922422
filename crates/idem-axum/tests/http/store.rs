//! The store that the scenarios run on; another crate runs the same scenarios on its own.

use idem_core::{IdempotencyStore, MemoryStore};

pub(crate) fn store() -> impl IdempotencyStore + Clone {
    MemoryStore::new()
}
