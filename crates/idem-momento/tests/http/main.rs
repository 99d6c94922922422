//! What a client sees through the axum layer, with the records on the stand-in.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod damaged;

use std::time::Duration;

use idem_core::IdempotencyStore;
use idem_http_tests::{Axum, Records};
use idem_momento::MomentoStore;
use momento_emulator::Emulator;

#[derive(Clone)]
struct OnTheStandIn;

impl Records for OnTheStandIn {
    fn store() -> impl IdempotencyStore + Clone {
        // It lives as long as the test's process, for nobody knows when the last request is done.
        let emulator = Box::leak(Box::new(Emulator::start().unwrap()));
        emulator.create_cache("requests");
        MomentoStore::new(emulator.client(Duration::from_secs(10)), "requests")
    }
}

idem_http_tests::http_tests!(Axum<OnTheStandIn>);
