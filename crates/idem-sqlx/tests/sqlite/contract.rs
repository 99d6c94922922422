//! The store contract, with two stores on one file and 16 connections.

use idem_store_tests::Fixture;

use crate::file::File;

async fn two_stores() -> Fixture {
    let file = File::new();
    let store = async || file.builder().readers(6).prepare().await.unwrap();
    let fixture = Fixture::new(store().await).client(store().await);
    fixture.crowd(300).keep(file.folder).keep(file.pool)
}

idem_store_tests::store_tests! {
    clock: real,
    store: two_stores().await,
}
