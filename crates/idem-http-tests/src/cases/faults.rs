//! A store that fails, and what handlers see of their execution.

use futures_util::future::{Either, select};
use idem_core::{
    Headers, OnStoreFailure, Policy, Response,
    store::{Claim, Completed, MockIdempotencyStore, Operation, Record, StoreErrorKind},
};
use idem_store_tests::{Fault, FaultyStore};

use super::profiles;
use crate::{Adapter, Server, send};

const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

// S51
// S61
pub async fn a_store_that_is_down_refuses_and_its_errors_stay_inside<A: Adapter>() {
    for (policy, ..) in profiles() {
        let store = FaultyStore::new(A::store());
        store.fail(Operation::Claim, UNAVAILABLE);
        let layer = A::new(store.clone(), policy);
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

// S51
pub async fn a_policy_may_let_handlers_run_while_the_store_is_down<A: Adapter>() {
    let store = FaultyStore::new(A::store());
    store.fail(Operation::Claim, UNAVAILABLE);
    let policy = Policy::reference().on_store_failure(OnStoreFailure::RunUnprotected);
    let server = Server::with_layer(A::new(store, policy)).await;
    for _ in 0..2 {
        assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 201);
    }
    assert_eq!(server.effects.runs(), 2);
}

// S53
pub async fn a_store_that_is_down_at_the_end_leaves_the_client_its_response<A: Adapter>() {
    let store = FaultyStore::new(A::store());
    let server = Server::with_layer(A::new(store.clone(), Policy::reference())).await;
    store.fail(Operation::Complete, UNAVAILABLE);
    let original = send(server.post("/orders", "k", "{}")).await;
    assert_eq!(
        (original.status, original.text()),
        (201, "{\"id\":1}".to_owned())
    );
    assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 202);
    assert_eq!(server.effects.runs(), 1);
}

// S38
pub async fn duplicates_may_wait_and_too_many_are_told<A: Adapter>() {
    let policy = Policy::reference().wait(std::time::Duration::from_secs(60), 1);
    let server = Server::start::<A>(policy).await;
    let original = tokio::spawn(send(server.post("/gated", "k", "{}")));
    server.effects.wait_for_runs(1).await;
    // One of two has the only place; the other is told at once.
    let duplicate = || Box::pin(send(server.post("/gated", "k", "{}")));
    let (refused, waiter) = match select(duplicate(), duplicate()).await {
        Either::Left(first) | Either::Right(first) => first,
    };
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    server.effects.open_gate(1);
    assert_eq!(original.await.unwrap().status, 201);
    assert!(waiter.await.is_replay());
}

// S50
pub async fn a_handler_sees_its_execution_and_passes_keys_on<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let protected = send(server.post("/pay", "k", "{}")).await.text();
    let (key, derived) = protected.split_once(' ').unwrap();
    assert_eq!((key, derived.len()), ("k", 64));
    let without = server.request(reqwest::Method::POST, "/pay");
    assert_eq!(send(without).await.text(), "unprotected");
}

// S59
pub async fn a_record_with_a_status_that_cannot_be_sent_is_no_success<A: Adapter>() {
    for status in [0, 99, 1_000, u16::MAX] {
        let mut damaged = MockIdempotencyStore::new();
        damaged.expect_claim().returning(move |_, lease| {
            let headers: Headers = [("x-order", b"17".as_slice())].into_iter().collect();
            let response = Response::new(status, headers, "done".into());
            let completed = Completed::new(*lease.owner(), *lease.identity(), response.into());
            Ok(Claim::Taken(Record::Completed(completed)))
        });
        let server = Server::with_layer(A::new(damaged, Policy::reference())).await;
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
