//! Panics, two servers, and a store that fails.

use futures_util::future::{Either, join_all, select};
use idem_core::{
    Headers, OnStoreFailure, Policy, Response,
    store::{Claim, Completed, MockIdempotencyStore, Operation, Record, StoreErrorKind},
};
use idem_store_tests::{Fault, FaultyStore};

use crate::{
    market::is_of_a_panic,
    support::{Layer, Server, profiles, send, store},
};

const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_servers_on_one_store_one_runs() {
    let store = store();
    let one = Server::with_layer(Layer::new(store.clone())).await;
    let other = Server::with_layer(Layer::new(store)).await;
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

#[tokio::test]
async fn a_panic_is_answered_as_the_framework_does_and_the_retry_runs() {
    let server = Server::start(Policy::reference()).await;
    assert!(is_of_a_panic(
        server.post("/panics", "k", "{}").send().await
    ));
    let retry = send(server.post("/panics", "k", "{}")).await;
    assert_eq!((retry.status, retry.is_replay()), (200, false));
    assert!(send(server.post("/panics", "k", "{}")).await.is_replay());
}

#[tokio::test]
async fn a_store_that_is_down_refuses_and_its_errors_stay_inside() {
    for (policy, ..) in profiles() {
        let store = FaultyStore::new(store());
        store.fail(Operation::Claim, UNAVAILABLE);
        let layer = Layer::new(store.clone()).policy(policy);
        let server = Server::with_layer(layer).await;
        let refused = send(server.post("/orders", "k", "{}")).await;
        assert_eq!(refused.status, 503);
        assert_eq!(
            refused.header("idempotency-refusal"),
            Some("idempotency-store-unavailable")
        );
        assert!(refused.header("retry-after").is_some());
        for inner in ["cache.internal", "secret", "unavailable:", "claim the key"] {
            assert!(
                !refused.text().contains(inner),
                "{inner} in {}",
                refused.text()
            );
        }
        assert_eq!(server.effects.runs(), 0);
        store.heal();
        assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 201);
    }
}

#[tokio::test]
async fn a_policy_may_let_handlers_run_while_the_store_is_down() {
    let store = FaultyStore::new(store());
    store.fail(Operation::Claim, UNAVAILABLE);
    let policy = Policy::reference().on_store_failure(OnStoreFailure::RunUnprotected);
    let server = Server::with_layer(Layer::new(store).policy(policy)).await;
    for _ in 0..2 {
        assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 201);
    }
    assert_eq!(server.effects.runs(), 2);
}

#[tokio::test]
async fn a_store_that_is_down_at_the_end_leaves_the_client_its_response() {
    let store = FaultyStore::new(store());
    let server = Server::with_layer(Layer::new(store.clone())).await;
    store.fail(Operation::Complete, UNAVAILABLE);
    let original = send(server.post("/orders", "k", "{}")).await;
    assert_eq!(
        (original.status, original.text()),
        (201, "{\"id\":1}".to_owned())
    );
    assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 202);
    assert_eq!(server.effects.runs(), 1);
}

#[tokio::test]
async fn duplicates_may_wait_and_too_many_are_told() {
    let policy = Policy::reference().wait(std::time::Duration::from_secs(60), 1);
    let server = Server::start(policy).await;
    let original = tokio::spawn(send(server.post("/gated", "k", "{}")));
    server.effects.wait_for_runs(1).await;
    // One of two has the only place; the other is told at once.
    let duplicate = || Box::pin(send(server.post("/gated", "k", "{}")));
    let (refused, waiter) = match select(duplicate(), duplicate()).await {
        Either::Left(first) | Either::Right(first) => first,
    };
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    server.effects.gate.add_permits(1);
    assert_eq!(original.await.unwrap().status, 201);
    assert!(waiter.await.is_replay());
}

#[tokio::test]
async fn a_handler_sees_its_execution_and_passes_keys_on() {
    let server = Server::start(Policy::reference()).await;
    let protected = send(server.post("/pay", "k", "{}")).await.text();
    let (key, derived) = protected.split_once(' ').unwrap();
    assert_eq!((key, derived.len()), ("k", 64));
    let without = server.request(reqwest::Method::POST, "/pay");
    assert_eq!(send(without).await.text(), "unprotected");
}

#[tokio::test]
async fn a_record_with_a_status_that_cannot_be_sent_is_no_success() {
    for status in [0, 99, 1_000, u16::MAX] {
        let mut damaged = MockIdempotencyStore::new();
        damaged.expect_claim().returning(move |_, lease| {
            let headers: Headers = [("x-order", b"17".as_slice())].into_iter().collect();
            let response = Response::new(status, headers, "done".into());
            let completed = Completed::new(*lease.owner(), *lease.identity(), response.into());
            Ok(Claim::Taken(Record::Completed(completed)))
        });
        let server = Server::with_layer(Layer::new(damaged)).await;
        let answer = send(server.post("/orders", "k", "{}")).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (500, ""),
            "{status}"
        );
        assert_eq!(answer.header("x-order"), None);
        assert_eq!((answer.is_replay(), server.effects.runs()), (false, 0));
    }
}
