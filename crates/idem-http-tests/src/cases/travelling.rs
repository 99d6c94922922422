//! Handlers that send their lease away, and a worker that completes what they began.

use std::sync::Arc;

use bytes::Bytes;
use idem_core::{Continuation, Headers, Idempotency, Policy, Response, store::Fenced};

use super::profiles;
use crate::{Adapter, Server, send};

/// A market, and a worker on the same store.
async fn market_and_worker<A: Adapter>(policy: Policy) -> (Server, Idempotency) {
    let store = Arc::new(A::store());
    let worker = Idempotency::new(Arc::clone(&store), Policy::reference());
    let server = Server::with_layer(A::new(store, policy)).await;
    (server, worker)
}

fn receive(server: &Server, worker: &Idempotency) -> Continuation {
    worker.resume(server.effects.receive())
}

pub async fn the_first_gets_its_answer_duplicates_are_told_to_wait_and_then_get_the_workers<
    A: Adapter,
>() {
    // An error, too: it has left, and what the client is told does not bring it back.
    for (path, status) in [
        ("/travels/202", 202),
        ("/travels/200", 200),
        ("/travels/500", 500),
    ] {
        for (policy, _, in_progress) in profiles() {
            let (server, worker) = market_and_worker::<A>(policy).await;
            let first = send(server.post(path, "k", "{}")).await;
            assert_eq!(
                (first.status, first.text().as_str()),
                (status, "on its way")
            );
            let during = send(server.post(path, "k", "{}")).await;
            assert_eq!(during.status, in_progress);
            assert!(during.header("retry-after").is_some());
            assert!(!during.is_replay());

            let headers: Headers = [("x-parcel", b"17".as_slice())].into_iter().collect();
            let shipped = Response::new(201, headers, Bytes::from_static(b"shipped"));
            let completed = receive(&server, &worker).complete(shipped).await;
            assert_eq!(completed.unwrap(), Fenced::Held);
            let after = send(server.post(path, "k", "{}")).await;
            assert_eq!((after.status, after.text().as_str()), (201, "shipped"));
            assert_eq!(after.header("x-parcel"), Some("17"));
            assert!(after.is_replay());
            assert_eq!(server.effects.runs(), 1);
        }
    }
}

pub async fn a_worker_that_fails_for_good_lets_the_client_begin_anew<A: Adapter>() {
    let (server, worker) = market_and_worker::<A>(Policy::reference()).await;
    send(server.post("/travels/202", "k", "{}")).await;
    let released = receive(&server, &worker).release().await;
    assert_eq!(released.unwrap(), Fenced::Held);
    let again = send(server.post("/travels/202", "k", "[\"another payload\"]")).await;
    assert_eq!(again.text(), "on its way");
    assert_eq!(server.effects.runs(), 2);
}

pub async fn another_payload_is_refused_while_the_lease_is_on_its_way_and_after<A: Adapter>() {
    for (policy, mismatch, _) in profiles() {
        let (server, worker) = market_and_worker::<A>(policy).await;
        send(server.post("/travels/202", "k", "{}")).await;
        let other = || send(server.post("/travels/202", "k", "[1]"));
        assert_eq!(other().await.status, mismatch);
        let done = Response::new(201, Headers::default(), Bytes::new());
        let completed = receive(&server, &worker).complete(done).await;
        assert_eq!(completed.unwrap(), Fenced::Held);
        assert_eq!(other().await.status, mismatch);
        assert_eq!(server.effects.runs(), 1);
    }
}

pub async fn a_lease_that_could_not_be_sent_after_all_ends_as_its_handler_answered<A: Adapter>() {
    for (status, kept) in [(201, true), (500, false)] {
        let server = Server::start::<A>(Policy::reference()).await;
        let path = format!("/travels-in-vain/{status}");
        for again in [false, true] {
            let answer = send(server.post(&path, "k", "{}")).await;
            assert_eq!((answer.status, answer.is_replay()), (status, kept && again));
        }
        assert_eq!(server.effects.runs(), if kept { 1 } else { 2 });
    }
}
