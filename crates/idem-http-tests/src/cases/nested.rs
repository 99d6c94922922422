//! The layer twice on a request's way.

use std::sync::Arc;

use bytes::Bytes;
use idem_core::{
    Headers, Idempotency, KeyRequirement, OnStoreFailure, Policy, Response,
    store::{Fenced, Operation, StoreErrorKind},
};
use idem_store_tests::{Fault, FaultyStore};

use crate::{Adapter, Server, send};

fn policies() -> [Policy; 3] {
    [Policy::reference(), Policy::ietf(), Policy::stripe()]
}

// S88
pub async fn the_handler_runs_once_and_its_answer_is_the_result<A: Adapter>() {
    for one_store in [true, false] {
        for outer in policies() {
            for inner in policies() {
                let outer = A::new(A::store(), outer.clone());
                let inner = if one_store {
                    outer.under(inner)
                } else {
                    A::new(A::store(), inner)
                };
                let server = Server::nested(outer, inner).await;
                let first = send(server.post("/nested/orders", "k", "{}")).await;
                assert_eq!((first.status, first.text().as_str()), (201, "{\"id\":1}"));
                let again = send(server.post("/nested/orders", "k", "{}")).await;
                assert!(again.is_replay());
                assert_eq!(first.comparable(), again.comparable());
                assert_eq!(server.effects.runs(), 1);
            }
        }
    }
}

// S88
pub async fn the_outer_policy_answers<A: Adapter>() {
    let outer = A::new(A::store(), Policy::ietf());
    let inner = outer.under(Policy::reference());
    let server = Server::nested(outer, inner).await;
    let original = tokio::spawn(send(server.post("/nested/gated", "k", "{}")));
    server.effects.wait_for_runs(1).await;
    assert_eq!(
        send(server.post("/nested/gated", "k", "{}")).await.status,
        409
    );
    assert_eq!(
        send(server.post("/nested/gated", "k", "[]")).await.status,
        422
    );
    server.effects.open_gate(1);
    assert_eq!(original.await.unwrap().status, 201);
}

// S88
pub async fn the_handler_sees_the_execution_whose_record_counts<A: Adapter>() {
    let outer = A::new(A::store(), Policy::reference());
    let inner = outer.under(Policy::reference().namespace("inner"));
    let nested = Server::nested(outer, inner).await;
    let alone = Server::start::<A>(Policy::reference()).await;
    assert_eq!(
        send(nested.post("/nested/pay", "k", "{}")).await.text(),
        send(alone.post("/pay", "k", "{}")).await.text()
    );
}

// S88
pub async fn a_lease_that_travels_takes_the_record_along<A: Adapter>() {
    let store = Arc::new(A::store());
    let worker = Idempotency::new(Arc::clone(&store), Policy::reference());
    let outer = A::new(store, Policy::reference());
    let server = Server::nested(outer.clone(), outer).await;
    send(server.post("/nested/travels/202", "k", "{}")).await;
    let shipped = Response::new(201, Headers::default(), Bytes::from_static(b"shipped"));
    let completed = worker
        .resume(server.effects.receive())
        .complete(shipped)
        .await;
    assert_eq!(completed.unwrap(), Fenced::Held);
    let after = send(server.post("/nested/travels/202", "k", "{}")).await;
    assert_eq!((after.status, after.text().as_str()), (201, "shipped"));
}

// S88
pub async fn a_request_that_the_outer_layer_leaves_alone_is_the_inner_ones<A: Adapter>() {
    // It runs what it cannot protect; or no key is there, and the inner layer requires one.
    let failing = FaultyStore::new(A::store());
    failing.fail(
        Operation::Claim,
        Fault::Refused(StoreErrorKind::Unavailable),
    );
    let outer = Policy::reference().on_store_failure(OnStoreFailure::RunUnprotected);
    let inner = Policy::reference().key_requirement(KeyRequirement::Required);
    let outer = A::new(failing, outer);
    let server = Server::nested(outer, A::new(A::store(), inner)).await;
    for replayed in [false, true] {
        let answer = send(server.post("/nested/orders", "k", "{}")).await;
        assert_eq!((answer.status, answer.is_replay()), (201, replayed));
    }
    let without = server.request(reqwest::Method::POST, "/nested/orders");
    assert_eq!(send(without).await.status, 400);
    assert_eq!(server.effects.runs(), 1);
}
