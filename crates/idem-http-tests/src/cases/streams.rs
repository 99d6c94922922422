//! Responses that flow, and those that merely come in pieces.

use idem_core::Policy;
use tokio::time::timeout;

use crate::{Adapter, NEVER, Server, begin, hang_up, send};

// S90
pub async fn a_stream_reaches_its_client_as_it_flows_and_its_retry_is_told_that_it_was_not_kept<
    A: Adapter,
>() {
    for (path, speaks) in [("/endless", true), ("/silent", false)] {
        let layer = A::new(A::store(), Policy::reference());
        let server = Server::with_layer(layer.clone()).await;
        let flowing = timeout(NEVER, server.post(path, "k", "{}").send()).await;
        let mut flowing = flowing
            .expect("its head does not wait for its end")
            .unwrap();
        assert_eq!(flowing.status(), 200);
        if speaks {
            let first = timeout(NEVER, flowing.chunk()).await;
            let first = first
                .expect("its first bytes do not wait for its end")
                .unwrap();
            assert!(first.unwrap().starts_with(b"{}\n"));
        }
        let retry = send(server.post(path, "k", "{}")).await;
        assert_eq!(retry.status, 409, "{path}");
        assert_eq!(
            retry.header("idempotency-refusal"),
            Some("idempotency-response-not-kept")
        );
        let drained = timeout(NEVER, layer.drain()).await;
        assert!(drained.is_ok(), "a drain does not wait for {path}");
        if speaks {
            let more = timeout(NEVER, flowing.chunk()).await;
            assert!(more.expect("it flows on").unwrap().is_some());
        }
        assert_eq!(server.effects.runs(), 1);
    }
}

// S90
pub async fn a_drain_does_not_wait_for_a_stream_whose_client_is_gone<A: Adapter>() {
    for path in ["/endless", "/silent"] {
        let layer = A::new(A::store(), Policy::reference());
        let server = Server::with_layer(layer.clone()).await;
        let client = begin(&server, path, "{}").await;
        server.effects.wait_for_runs(1).await;
        hang_up(client);
        let drained = timeout(NEVER, layer.drain()).await;
        assert!(drained.is_ok(), "{path}");
    }
}

// S90
pub async fn a_body_that_comes_soon_is_kept_although_it_was_not_there_at_once<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let original = send(server.post("/hesitant", "k", "{}")).await;
    let replay = send(server.post("/hesitant", "k", "{}")).await;
    assert!(replay.is_replay());
    assert_eq!((replay.body.len(), replay.body), (500, original.body));
}
