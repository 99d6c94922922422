//! What a client sees through the layer, over a real socket.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod bodies;
mod memory;
mod tower_services;

use idem_core::{IdempotencyStore, MemoryStore};
use idem_http_tests::Records;

#[derive(Clone)]
struct InMemory;

impl Records for InMemory {
    fn store() -> impl IdempotencyStore + Clone {
        MemoryStore::new()
    }
}

type Axum = idem_http_tests::Axum<InMemory>;

idem_http_tests::http_tests!(Axum);
