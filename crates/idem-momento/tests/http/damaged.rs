//! A record whose bytes changed in the cache.

use std::time::Duration;

use idem_core::Policy;
use idem_http_tests::{Adapter, Axum, Server, send};
use idem_momento::MomentoStore;
use momento_emulator::Emulator;

use crate::OnTheStandIn;

/// Replaces the status in the only record, which keeps its length.
async fn set_status(emulator: &Emulator, from: &[u8], to: &[u8]) {
    let (key, mut record) = emulator.items("requests").pop_first().unwrap();
    let mut windows = record.windows(from.len());
    let at = windows.position(|window| window == from).unwrap();
    record[at..at + to.len()].copy_from_slice(to);
    let client = emulator.client(Duration::from_secs(10));
    client.set("requests", key, record).await.unwrap();
}

// S59
#[tokio::test]
async fn a_record_with_a_damaged_status_is_a_failure_of_the_store_and_never_replayed() {
    for damaged in ["  0", " 99"] {
        let emulator = Emulator::start().unwrap();
        emulator.create_cache("requests");
        let store = MomentoStore::new(emulator.client(Duration::from_secs(10)), "requests");
        let server =
            Server::with_layer(Axum::<OnTheStandIn>::new(store, Policy::reference())).await;
        let order = || send(server.post("/orders", "k", "{}"));
        assert_eq!(order().await.status, 201);
        assert!(server.settled("/orders", "k").await.is_replay());

        let damaged = format!("\"status\":{damaged}");
        set_status(&emulator, b"\"status\":201", damaged.as_bytes()).await;
        let refused = order().await;
        assert_eq!((refused.status, refused.is_replay()), (503, false));
        let code = refused.header("idempotency-refusal");
        assert_eq!(code, Some("idempotency-store-unavailable"));

        // The bytes are all that is wrong.
        set_status(&emulator, damaged.as_bytes(), b"\"status\":201").await;
        assert!(order().await.is_replay());
        assert_eq!(server.effects.runs(), 1);
    }
}
