//! Requests that really come at once.

use futures_util::future::join_all;
use idem_core::Policy;

use super::profiles;
use crate::{Adapter, Server, send};

pub async fn of_a_hundred_concurrent_duplicates_one_runs<A: Adapter>() {
    for (policy, _, in_progress) in profiles() {
        let server = Server::start::<A>(policy).await;
        let original = tokio::spawn(send(server.post("/gated", "k", "{}")));
        server.effects.wait_for_runs(1).await;
        let duplicates = join_all((0..100).map(|_| send(server.post("/gated", "k", "{}")))).await;
        for duplicate in duplicates {
            assert_eq!(duplicate.status, in_progress);
            assert_eq!(
                duplicate.header("idempotency-refusal"),
                Some("idempotency-in-progress")
            );
            // The original is young; the engine's own tests let it grow old.
            let seconds: u64 = duplicate.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=10).contains(&seconds), "{seconds}");
        }
        server.effects.open_gate(1);
        let original = original.await.unwrap();
        let replay = send(server.post("/gated", "k", "{}")).await;
        assert_eq!(replay.comparable(), original.comparable());
        assert_eq!(server.effects.runs(), 1);
    }
}

pub async fn of_a_hundred_that_start_together_one_runs<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let answers = join_all((0..100).map(|_| send(server.post("/orders", "k", "{}")))).await;
    assert_eq!(server.effects.runs(), 1);
    for answer in answers {
        match answer.status {
            201 => assert_eq!(answer.text(), "{\"id\":1}"),
            other => assert_eq!(other, 202),
        }
    }
}

pub async fn of_two_servers_on_one_store_one_runs<A: Adapter>() {
    let store = A::store();
    let one = Server::with_layer(A::new(store.clone(), Policy::reference())).await;
    let other = Server::with_layer(A::new(store, Policy::reference())).await;
    let duplicates = (0..100).map(|number| {
        let server = if number % 2 == 0 { &one } else { &other };
        send(server.post("/orders", "k", "{}"))
    });
    for answer in join_all(duplicates).await {
        match answer.status {
            201 => assert_eq!(answer.text(), "{\"id\":1}"),
            other => assert_eq!(other, 202),
        }
    }
    assert_eq!(one.effects.runs() + other.effects.runs(), 1);
}
