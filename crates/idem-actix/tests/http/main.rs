//! What a client sees through the middleware, over a real socket: the cases that every adapter
//! passes, and what is actix-web's own.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod services;
mod shutdown;

use idem_core::{IdempotencyStore, MemoryStore};
use idem_http_tests::Records;

#[derive(Clone)]
struct InMemory;

impl Records for InMemory {
    fn store() -> impl IdempotencyStore + Clone {
        MemoryStore::new()
    }
}

type Actix = idem_http_tests::Actix<InMemory>;

idem_http_tests::http_tests!(Actix);
