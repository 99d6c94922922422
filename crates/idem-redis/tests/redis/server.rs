//! Servers that many tests share, and what they ask of a store.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, RecordKey, Response,
    store::{Fenced, Fingerprint, Identity, Lease, Outcome, OwnerToken},
};
use idem_redis::RedisStore;
use test_servers::{Redis, RedisCluster};

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) static REDIS: LazyLock<Redis> = LazyLock::new(|| Redis::start().unwrap());
pub(crate) static VALKEY: LazyLock<Redis> = LazyLock::new(|| Redis::start_valkey().unwrap());
pub(crate) static CLUSTER: LazyLock<RedisCluster> =
    LazyLock::new(|| RedisCluster::start().unwrap());

pub(crate) async fn connect(url: &str) -> RedisStore {
    RedisStore::builder(url).connect().await.unwrap()
}

/// A key that no other test has.
pub(crate) fn key() -> RecordKey {
    let (one, two) = (OwnerToken::random(), OwnerToken::random());
    let bytes = [*one.as_bytes(), *two.as_bytes()].concat();
    RecordKey::from_bytes(bytes.try_into().unwrap())
}

pub(crate) fn lease(duration: Duration) -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([7; 32])), duration)
}

/// Completes with a small response, which the server answers.
pub(crate) async fn complete(store: &RedisStore, key: &RecordKey, lease: &Lease) -> Fenced {
    let response = response(b"1");
    store.complete(key, lease, &response, LONG).await.unwrap()
}

/// Lets the server know each script.
pub(crate) async fn teach(store: &RedisStore) {
    let (key, owner) = (key(), lease(LONG));
    let _ = store.claim(&key, &owner).await.unwrap();
    let _ = store.renew(&key, &owner).await.unwrap();
    let _ = store.release(&key, &owner).await.unwrap();
    let _ = complete(store, &key, &owner).await;
}

pub(crate) fn response(body: &[u8]) -> Outcome {
    Response::new(201, Headers::default(), Bytes::copy_from_slice(body)).into()
}
