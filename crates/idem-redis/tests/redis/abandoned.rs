//! Calls that their callers give up before the store does.

use std::time::Duration;

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, Outcome, Record, Stored},
};
use idem_redis::RedisStore;
use rand::RngExt;
use test_servers::{Redis, RedisRelay};
use tokio::{task::JoinSet, time::timeout};

use crate::server::{CLUSTER, LONG, REDIS, connect, key, lease, response};

// S83
#[tokio::test]
async fn a_connection_that_died_silently_is_replaced_though_no_caller_waits_for_the_timeout() {
    let relay = RedisRelay::to(REDIS.port()).unwrap();
    let store = connect(&relay.url()).await;
    relay.silence();
    let (key, owner) = (key(), lease(LONG));
    for _ in 0..3 {
        let call = timeout(Duration::from_millis(200), store.claim(&key, &owner));
        assert!(call.await.is_err(), "it is silent");
    }
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
}

// S83
#[tokio::test]
async fn a_caller_that_has_no_patience_at_all_replaces_no_connection() {
    let relay = RedisRelay::to(REDIS.port()).unwrap();
    let store = connect(&relay.url()).await;
    let connections = relay.connections();
    for _ in 0..20 {
        drop(timeout(Duration::from_micros(50), store.claim(&key(), &lease(LONG))).await);
    }
    assert_eq!(
        store.claim(&key(), &lease(LONG)).await.unwrap(),
        Claim::Owned
    );
    assert_eq!(relay.connections(), connections);
}

fn body(stored: Option<Stored>) -> Option<Vec<u8>> {
    match stored?.record() {
        Record::Completed(completed) => match completed.outcome() {
            Outcome::Response(response) => Some(response.body().to_vec()),
            Outcome::NotKept(_) => None,
        },
        _ => None,
    }
}

/// Drops calls at any point, and asks after each what came of it, on the connection that others use too.
async fn gives_up_and_asks_again(store: RedisStore, number: usize) {
    for round in 0..20 {
        let (key, owner) = (key(), lease(LONG));
        let name = format!("{number}.{round}").into_bytes();
        let patience = || Duration::from_micros(rand::rng().random_range(0..500));
        let (first, second) = (patience(), patience());
        drop(timeout(first, store.claim(&key, &owner)).await);
        assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
        let outcome = response(&name);
        drop(timeout(second, store.complete(&key, &owner, &outcome, LONG)).await);
        let completed = store.complete(&key, &owner, &outcome, LONG).await;
        assert_eq!(completed.unwrap(), Fenced::Held);
        assert_eq!(body(store.look_up(&key).await.unwrap()), Some(name));
    }
}

async fn everybody_gives_up(store: RedisStore) {
    let mut tasks = JoinSet::new();
    for number in 0..32 {
        tasks.spawn(gives_up_and_asks_again(store.clone(), number));
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_dropped_leaves_the_others_their_own_answers() {
    everybody_gives_up(connect(&REDIS.url()).await).await;
}

// S86
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_dropped_on_a_cluster_leaves_the_others_their_own_answers() {
    let builder = RedisStore::cluster(CLUSTER.urls());
    let store = builder.call_timeout(Duration::from_secs(20));
    everybody_gives_up(store.connect().await.unwrap()).await;
}

// S83
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_are_forgotten_again_and_again_fail_no_call() {
    let server = Redis::start().unwrap();
    let store = connect(&server.url()).await;
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        tasks.spawn(gives_up_and_asks_again(store.clone(), number));
    }
    while !tasks.is_empty() {
        server.command(&["SCRIPT", "FLUSH"]).unwrap();
        while let Some(done) = tasks.try_join_next() {
            done.unwrap();
        }
        tokio::task::yield_now().await;
    }
}
