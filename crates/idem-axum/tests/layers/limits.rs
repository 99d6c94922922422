//! Layers that let in only so many.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{BoxError, error_handling::HandleErrorLayer, http::StatusCode};
use idem_axum::IdempotencyLayer;
use idem_core::{
    MemoryStore, Policy, RecordKey,
    event::{Answered, Event, Observer},
    store::Operation,
};
use idem_http_tests::{send, until};
use reqwest::Client;
use tokio::task::yield_now;
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};

use crate::{gated, idempotency, orders, serve};

#[tokio::test]
async fn load_shedding_outside_keeps_no_overload() {
    let at_most_one = || {
        let overloaded = |_: BoxError| async { StatusCode::SERVICE_UNAVAILABLE };
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(1))
    };
    // This profile keeps what failed.
    let layer = || idempotency(Policy::stripe());
    let servers = orders(
        |effects| gated(effects).layer(layer()).layer(at_most_one()),
        |effects| gated(effects).layer(at_most_one()).layer(layer()),
    )
    .await;
    for (server, status, is_kept) in [(&servers[0], 200, false), (&servers[1], 503, true)] {
        let first = tokio::spawn(server.post("/goats", "k", "{}").send());
        server.effects.wait_for_runs(1).await;
        assert_eq!(send(server.post("/goats", "l", "{}")).await.status, 503);
        server.effects.open_gate(2);
        assert_eq!(first.await.unwrap().unwrap().status(), 200);
        let retry = send(server.post("/goats", "l", "{}")).await;
        assert_eq!((retry.status, retry.is_replay()), (status, is_kept));
    }
}

/// Tells how many handlers were let through by the layer, and how many were handed over.
#[derive(Clone, Debug, Default)]
struct Progress(Arc<(AtomicUsize, AtomicUsize)>);

impl Observer for Progress {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        let count = match event {
            Event::Decided(Answered::Execute) => &self.0.0,
            Event::HandedOver => &self.0.1,
            _ => return,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

impl Progress {
    async fn wait_for(&self, executions: usize, handed_over: usize) {
        let enough = || {
            self.0.0.load(Ordering::SeqCst) >= executions
                && self.0.1.load(Ordering::SeqCst) >= handed_over
        };
        until("requests had come so far", enough).await;
    }
}

#[tokio::test]
async fn a_concurrency_limit_inside_counts_handlers_whose_clients_hung_up() {
    let at_most_one = || GlobalConcurrencyLimitLayer::new(1);
    let progress: [Progress; 2] = Default::default();
    let layer = |at: usize| idempotency(Policy::reference().observer(progress[at].clone()));
    let servers = orders(
        |effects| gated(effects).layer(at_most_one()).layer(layer(0)),
        |effects| gated(effects).layer(layer(1)).layer(at_most_one()),
    )
    .await;
    for (server, progress) in servers.iter().zip(&progress) {
        let client = Client::new();
        let first = client.execute(server.post("/goats", "k", "{}").build().unwrap());
        let first = tokio::spawn(first);
        server.effects.wait_for_runs(1).await;
        first.abort();
        drop(client);
        progress.wait_for(1, 1).await;
    }

    let [right, wrong] = servers;
    let second = tokio::spawn(right.post("/goats", "l", "{}").send());
    progress[0].wait_for(2, 1).await;
    // Long enough for a handler that is not held back.
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(right.effects.runs(), 1, "the first handler still runs");
    right.effects.open_gate(2);
    assert_eq!(
        second.await.unwrap().unwrap().text().await.unwrap(),
        "order 2"
    );

    let third = tokio::spawn(right.post("/goats", "m", "{}").send());
    right.effects.wait_for_runs(3).await;
    assert!(
        send(right.post("/goats", "l", "{}")).await.is_replay(),
        "it needs no permit"
    );
    right.effects.open_gate(1);
    assert_eq!(third.await.unwrap().unwrap().status(), 200);

    let second = tokio::spawn(wrong.post("/goats", "l", "{}").send());
    // Both run at once, under a limit of one.
    wrong.effects.wait_for_runs(2).await;
    wrong.effects.open_gate(2);
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
}

/// Tells how often a claim was answered.
#[derive(Clone, Debug, Default)]
struct Claims(Arc<AtomicUsize>);

impl Observer for Claims {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        if let Event::StoreCalled {
            operation: Operation::Claim,
            ..
        } = event
        {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn duplicates_that_wait_and_replays_take_no_place_in_a_limit_inside() {
    let store = MemoryStore::new();
    let elsewhere = IdempotencyLayer::new(store.clone());
    let elsewhere = serve(|effects| gated(effects).layer(elsewhere)).await;
    let claims = Claims::default();
    let policy = Policy::reference().wait(Duration::from_secs(60), 10);
    let here = IdempotencyLayer::new(store).policy(policy.observer(claims.clone()));
    let stack = ServiceBuilder::new()
        .layer(here)
        .layer(GlobalConcurrencyLimitLayer::new(1));
    let here = serve(|effects| gated(effects).layer(stack)).await;

    let original = tokio::spawn(elsewhere.post("/goats", "k", "{}").send());
    elsewhere.effects.wait_for_runs(1).await;
    let waiting = tokio::spawn(here.post("/goats", "k", "{}").send());
    let asked = || claims.0.load(Ordering::SeqCst) > 0;
    until("the duplicate had asked", asked).await;

    here.effects.open_gate(1);
    let unrelated = send(here.post("/goats", "l", "{}")).await;
    assert_eq!((unrelated.status, unrelated.is_replay()), (200, false));
    let working = tokio::spawn(here.post("/goats", "m", "{}").send());
    here.effects.wait_for_runs(2).await;
    assert!(send(here.post("/goats", "l", "{}")).await.is_replay());
    assert!(!waiting.is_finished(), "its original runs on");

    elsewhere.effects.open_gate(1);
    assert_eq!(original.await.unwrap().unwrap().status(), 200);
    let replay = waiting.await.unwrap().unwrap();
    assert!(replay.headers().contains_key("idempotency-replayed"));
    here.effects.open_gate(1);
    assert_eq!(working.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn load_shedding_outside_does_not_see_a_limit_inside() {
    let overloaded = |_: BoxError| async { StatusCode::SERVICE_UNAVAILABLE };
    let shedding = || {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .layer(LoadShedLayer::new())
    };
    let limit = || GlobalConcurrencyLimitLayer::new(1);
    let progress = Progress::default();
    let layer = || idempotency(Policy::reference().observer(progress.clone()));
    let [right, wrong] = orders(
        |effects| gated(effects).layer(shedding().layer(limit()).layer(layer())),
        |effects| gated(effects).layer(shedding().layer(layer()).layer(limit())),
    )
    .await;

    let first = tokio::spawn(right.post("/goats", "k", "{}").send());
    right.effects.wait_for_runs(1).await;
    assert_eq!(send(right.post("/goats", "l", "{}")).await.status, 503);
    right.effects.open_gate(1);
    assert_eq!(first.await.unwrap().unwrap().status(), 200);

    let first = tokio::spawn(wrong.post("/goats", "k", "{}").send());
    wrong.effects.wait_for_runs(1).await;
    let second = tokio::spawn(wrong.post("/goats", "l", "{}").send());
    progress.wait_for(3, 0).await;
    assert_eq!(wrong.effects.runs(), 1, "it has its key, and queues");
    wrong.effects.open_gate(2);
    for request in [first, second] {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
}
