//! A store of its own for each test: a cache on a stand-in of its own.

use std::time::Duration;

use idem_core::IdempotencyStore;
use idem_momento::MomentoStore;
use momento_emulator::Emulator;

pub(crate) fn store() -> impl IdempotencyStore + Clone {
    // It lives as long as the test's process, for nobody knows when the last request is done.
    let emulator = Box::leak(Box::new(Emulator::start().unwrap()));
    emulator.create_cache("requests");
    MomentoStore::new(emulator.client(Duration::from_secs(10)), "requests")
}
