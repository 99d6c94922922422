//! What the page on crashes says of records in memory.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use idem_core::{Done, Idempotency, IdempotencyKey, MemoryStore, Policy};

#[tokio::test]
async fn a_memory_store_ends_with_its_process() {
    let key = IdempotencyKey::new("order-1").unwrap();
    let place = || async { Ok::<_, Infallible>(17) };
    // Each process has a store of its own.
    for _process in 0..2 {
        let idempotency = Idempotency::new(MemoryStore::new(), Policy::default());
        let first = idempotency.run(&key, &(), place).await.unwrap();
        assert_eq!(first, Done::Executed(17));
        let retry = idempotency.run(&key, &(), place).await.unwrap();
        assert_eq!(retry, Done::Replayed(17));
    }
}
