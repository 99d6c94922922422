//! The store contract, with two stores on one file and 16 connections.

use std::time::Duration;

use idem_core::LocalCache;
use idem_store_tests::Fixture;

use crate::file::File;

async fn two_stores() -> Fixture {
    let file = File::new();
    let store = async || {
        // The rules are not about how fast a machine is that has other work.
        let builder = file.builder().call_timeout(Duration::from_secs(20));
        builder.readers(6).prepare().await.unwrap()
    };
    let fixture = Fixture::new(store().await).client(store().await);
    fixture.crowd(300).keep(file.folder).keep(file.pool)
}

idem_store_tests::store_tests! {
    clock: real,
    store: two_stores().await,
}

mod behind_a_cache {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::cached().await,
    }
}

async fn cached() -> Fixture {
    let file = File::new();
    let builder = file.builder().call_timeout(Duration::from_secs(20));
    let store = builder.readers(6).prepare().await.unwrap();
    let fixture = Fixture::new(LocalCache::new(store)).crowd(300);
    fixture.keep(file.folder).keep(file.pool)
}
