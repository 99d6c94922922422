//! Clients that hang up, and a server that stops.

use std::time::Duration;

use idem_core::{Policy, store::Operation};
use idem_store_tests::{Fault, FaultyStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Adapter, NEVER, Server, begin, hang_up, observed_on, send, until};

// S45
pub async fn a_client_that_hangs_up_cancels_nothing<A: Adapter>() {
    let (layer, handed_over) = observed_on::<A>(A::store());
    let server = Server::with_layer(layer).await;
    let client = begin(&server, "/gated", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    handed_over.wait().await;

    assert_eq!(send(server.post("/gated", "k", "{}")).await.status, 202);
    server.effects.open_gate(1);
    let replay = server.settled("/gated", "k").await;
    assert!(replay.is_replay());
    assert_eq!(replay.text(), "{\"id\":1}");
    assert_eq!(server.effects.runs(), 1);
}

// S95
pub async fn a_waiting_client_that_hangs_up_while_the_store_is_asked_leaves_its_place_at_once<
    A: Adapter,
>() {
    let store = FaultyStore::new(A::store());
    // A call that is not answered takes ten seconds.
    let policy = Policy::reference().wait(NEVER, 1).store_timeout(NEVER);
    let server = Server::with_layer(A::new(store.clone(), policy)).await;
    let original = tokio::spawn(send(server.post("/gated", "k", "{}")));
    server.effects.wait_for_runs(1).await;
    let asked = async |times: usize| {
        until("the store was asked", || {
            store.calls(Operation::Claim) >= times
        })
        .await;
    };
    let waiting = begin(&server, "/gated", "{}").await;
    // It asks again, so it has the place.
    asked(3).await;
    store.fail(Operation::Claim, Fault::Mute);
    asked(store.calls(Operation::Claim) + 1).await;
    hang_up(waiting);
    store.heal();
    let next = async {
        loop {
            // Before the server has seen the hang-up, too many wait.
            let next = send(server.post("/gated", "k", "{}"));
            match tokio::time::timeout(Duration::from_millis(100), next).await {
                Ok(answer) => assert_eq!(answer.status, 429),
                Err(_) => return,
            }
        }
    };
    let waits = tokio::time::timeout(Duration::from_secs(5), next).await;
    assert!(waits.is_ok(), "the place is taken");
    server.effects.open_gate(1);
    assert_eq!(original.await.unwrap().status, 201);
}

// S46
pub async fn a_client_that_hangs_up_before_it_reads_finds_its_response_later<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let client = begin(&server, "/orders", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    // Its handler has run; a store across a network may still be about to write the record.
    let replay = server.settled("/orders", "k").await;
    assert!(replay.is_replay());
    assert_eq!(server.effects.runs(), 1);
}

// S45
pub async fn a_client_that_hangs_up_while_it_uploads_begins_nothing<A: Adapter>() {
    for vanish in [hang_up, drop] {
        let server = Server::start::<A>(Policy::reference()).await;
        vanish(begin(&server, "/orders", "{").await);
        let answer = send(server.post("/orders", "k", "[1]")).await;
        assert_eq!((answer.status, answer.is_replay()), (201, false));
        assert_eq!(server.effects.runs(), 1);
    }
}

// S45
pub async fn an_upload_that_ends_too_early_is_refused_where_its_client_still_listens<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let mut client = begin(&server, "/orders", "{").await;
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    // Some servers have nothing to say to who says nothing more.
    assert!(
        answer.is_empty() || answer.contains("payload-unreadable"),
        "{answer}"
    );
    assert_eq!(server.effects.runs(), 0);
}

// S60
pub async fn a_drain_waits_for_those_whose_client_is_gone<A: Adapter>() {
    let store = A::store();
    let (layer, handed_over) = observed_on::<A>(store.clone());
    let server = Server::with_layer(layer.clone()).await;
    let client = begin(&server, "/gated", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    handed_over.wait().await;

    let drain = layer.drain();
    tokio::pin!(drain);
    let not_yet = std::future::poll_fn(|context| {
        std::task::Poll::Ready(drain.as_mut().poll(context).is_pending())
    });
    assert!(not_yet.await);
    server.effects.open_gate(1);
    drain.await;
    let refused = send(server.post("/gated", "k", "{}")).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    let successor = Server::with_layer(A::new(store, Policy::reference())).await;
    assert!(send(successor.post("/gated", "k", "{}")).await.is_replay());
}
