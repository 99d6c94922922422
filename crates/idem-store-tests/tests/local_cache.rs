//! A store behind a local cache keeps the contract.

#![forbid(unsafe_code)]

use idem_core::{LocalCache, MemoryStore};

mod paused {
    use super::{LocalCache, MemoryStore};

    idem_store_tests::store_tests! {
        clock: paused,
        store: LocalCache::new(MemoryStore::new()),
    }
}

/// What comes a little later is no longer in the cache.
mod small {
    use super::{LocalCache, MemoryStore};

    idem_store_tests::store_tests! {
        clock: paused,
        store: LocalCache::new(MemoryStore::new()).bytes(2_000),
    }
}
