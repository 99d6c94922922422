//! The store in memory keeps the contract, on either clock.

#![forbid(unsafe_code)]

mod paused {
    use idem_core::MemoryStore;

    idem_store_tests::store_tests! {
        clock: paused,
        store: MemoryStore::new(),
    }
}

mod real {
    use std::time::Duration;

    use idem_core::MemoryStore;
    use idem_store_tests::Fixture;

    idem_store_tests::store_tests! {
        #[cfg_attr(miri, ignore = "sleeps")]
        clock: real(Duration::from_millis(300)),
        store: {
            let store = MemoryStore::new();
            Fixture::new(store.clone()).client(store)
        },
    }
}
