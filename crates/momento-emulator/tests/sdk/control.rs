//! Caches and their limits.

use std::time::Duration;

use momento::{
    MomentoErrorCode,
    cache::{CreateCacheResponse, SetIfAbsentRequest},
};
use momento_emulator::Limits;

use crate::{CACHE, code, started};

#[tokio::test]
async fn a_cache_is_created_once() {
    let (_emulator, client) = started();
    let first = client.create_cache("new").await.unwrap();
    assert_eq!(first, CreateCacheResponse::Created);
    client.set("new", "k", "v").await.unwrap();
    let second = client.create_cache("new").await.unwrap();
    assert_eq!(second, CreateCacheResponse::AlreadyExists);
    client.get("new", "k").await.unwrap();
}

#[tokio::test]
async fn a_deleted_cache_is_unknown() {
    let (_emulator, client) = started();
    client.delete_cache(CACHE).await.unwrap();
    let unknown = MomentoErrorCode::CacheNotFoundError;
    assert_eq!(code(client.get(CACHE, "k").await), unknown);
    assert_eq!(code(client.delete_cache(CACHE).await), unknown);
    assert_eq!(code(client.flush_cache(CACHE).await), unknown);
}

#[tokio::test]
async fn a_flushed_cache_is_empty_and_stays() {
    let (emulator, client) = started();
    client.set(CACHE, "k", "v").await.unwrap();
    client.flush_cache(CACHE).await.unwrap();
    assert!(emulator.items(CACHE).is_empty());
    client.set(CACHE, "k", "v").await.unwrap();
}

#[tokio::test]
async fn caches_share_no_items() {
    let (emulator, client) = started();
    emulator.create_cache("other");
    client.set(CACHE, "k", "v").await.unwrap();
    assert!(emulator.items("other").is_empty());
}

#[tokio::test]
async fn the_list_tells_the_documented_limits() {
    let (_emulator, client) = started();
    let caches = client.list_caches().await.unwrap().caches;
    assert_eq!(caches.len(), 1);
    assert_eq!(caches[0].name, CACHE);
    assert_eq!(caches[0].cache_limits.max_item_size_kb, 5 * 1024);
    assert_eq!(caches[0].cache_limits.max_ttl_seconds, 24 * 60 * 60);
}

#[tokio::test]
async fn a_cache_is_held_to_the_limits_it_lists() {
    let (emulator, client) = started();
    let ttl = Duration::from_secs(2);
    emulator.limit_cache("small", Limits { item_kib: 1, ttl });
    let caches = client.list_caches().await.unwrap().caches;
    let small = caches.iter().find(|cache| cache.name == "small").unwrap();
    assert_eq!(small.cache_limits.max_item_size_kb, 1);
    assert_eq!(small.cache_limits.max_ttl_seconds, 2);

    let largest = SetIfAbsentRequest::new("small", "k", vec![0; 1023]).ttl(ttl);
    client.send_request(largest).await.unwrap();
    let larger = SetIfAbsentRequest::new("small", "l", vec![0; 1024]).ttl(ttl);
    let refused = code(client.send_request(larger).await);
    assert_eq!(refused, MomentoErrorCode::LimitExceededError);
    let longer = SetIfAbsentRequest::new("small", "l", "v").ttl(ttl * 2);
    let refused = code(client.send_request(longer).await);
    assert_eq!(refused, MomentoErrorCode::InvalidArgumentError);
}
