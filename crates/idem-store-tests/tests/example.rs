//! The store that the trait's documentation shows keeps the contract.

#![forbid(unsafe_code)]

#[path = "../../idem-core/src/contract/example_store.rs"]
#[expect(unreachable_pub, reason = "it is made to be read")]
mod example_store;

use example_store::MapStore;

idem_store_tests::store_tests! {
    clock: paused,
    store: MapStore::new(),
}
