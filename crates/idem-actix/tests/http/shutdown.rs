//! A server that stops, with a worker's thread under each handler.

use idem_core::{MemoryStore, Policy};
use idem_http_tests::{
    Adapter, Effects, NEVER, Server, begin, hang_up, observed_on, send, serve_actix_until_stopped,
};

use crate::Actix;

// S60
#[tokio::test]
async fn a_drain_before_the_stop_loses_no_execution_whose_client_is_gone() {
    let store = MemoryStore::new();
    let (layer, handed_over) = observed_on::<Actix>(store.clone());
    let effects = Effects::default();
    let (address, stopping) = serve_actix_until_stopped(layer.clone(), effects.clone());
    let server = Server::at(address, effects);
    let client = begin(&server, "/gated", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    handed_over.wait().await;

    let draining = tokio::spawn(async move { layer.drain().await });
    let refused = async { while send(server.post("/orders", "l", "{}")).await.status != 503 {} };
    let refused = tokio::time::timeout(NEVER, refused).await;
    assert!(refused.is_ok(), "nothing begins any more");
    let untouched = server.request(reqwest::Method::GET, "/orders");
    assert_eq!(
        send(untouched).await.status,
        201,
        "others are served meanwhile"
    );
    assert!(!draining.is_finished());
    server.effects.open_gate(1);
    draining.await.unwrap();
    stopping.stop(true).await;

    let successor = Server::with_layer(Actix::new(store, Policy::reference())).await;
    assert!(send(successor.post("/gated", "k", "{}")).await.is_replay());
}

/// Why the drain comes first: this is what a stop does to what it finds.
#[tokio::test]
async fn a_stop_without_a_drain_leaves_the_key_to_its_lease() {
    let store = MemoryStore::new();
    let (layer, handed_over) = observed_on::<Actix>(store.clone());
    let effects = Effects::default();
    let (address, stopping) = serve_actix_until_stopped(layer, effects.clone());
    let server = Server::at(address, effects);
    let client = begin(&server, "/gated", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    handed_over.wait().await;
    stopping.stop(true).await;

    let successor = Server::with_layer(Actix::new(store, Policy::reference())).await;
    let duplicate = send(successor.post("/gated", "k", "{}")).await;
    assert_eq!(duplicate.status, 202, "nothing runs twice within the lease");
}
