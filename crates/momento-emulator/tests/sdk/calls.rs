//! Counting round trips, and who touched what.

use std::collections::{BTreeMap, BTreeSet};

use momento_emulator::{Code, Fault, Method, When};

use crate::{CACHE, started};

#[tokio::test]
async fn every_call_counts_once_under_its_method() {
    let (emulator, client) = started();
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    client.set_if_equal(CACHE, "k", "w", "v").await.unwrap();
    client.get(CACHE, "k").await.unwrap();
    client.list_caches().await.unwrap();
    let calls = emulator.calls();
    assert_eq!(calls.of(Method::SetIf), 2);
    assert_eq!(calls.of(Method::Get), 1);
    assert_eq!(calls.of(Method::ListCaches), 1);
    assert_eq!(calls.of(Method::Delete), 0);
    assert_eq!(calls.total(), 4);
}

#[tokio::test]
async fn the_sdk_never_retries() {
    let (emulator, client) = started();
    for status in 1..=16 {
        let fault = Fault::Fail(When::Before, Code::from_i32(status));
        emulator.faults().next(Method::SetIf, fault);
        client.set_if_absent(CACHE, "k", "v").await.unwrap_err();
    }
    assert_eq!(emulator.calls().of(Method::SetIf), 16);
    assert_eq!(emulator.faults().struck(), 16);
}

#[tokio::test]
async fn unsupported_calls_count_too() {
    let (emulator, client) = started();
    client.increment(CACHE, "k", 1).await.unwrap_err();
    assert_eq!(emulator.calls().of(Method::Other), 1);
}

#[tokio::test]
async fn each_item_shows_what_touched_it() {
    let (emulator, client) = started();
    client.set_if_absent(CACHE, "a", "v").await.unwrap();
    client.get(CACHE, "a").await.unwrap();
    client.get(CACHE, "a").await.unwrap();
    client.delete(CACHE, "b").await.unwrap();
    let calls = emulator.calls();
    let keys = BTreeSet::from([b"a".to_vec(), b"b".to_vec()]);
    assert_eq!(calls.keys(CACHE), keys);
    let on_a = BTreeMap::from([(Method::Get, 2), (Method::SetIf, 1)]);
    assert_eq!(calls.on_item(CACHE, "a"), on_a);
    assert_eq!(
        calls.on_item(CACHE, "b"),
        BTreeMap::from([(Method::Delete, 1)])
    );
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let (emulator, client) = started();
    client.get(CACHE, "k").await.unwrap();
    let calls = emulator.calls();
    calls.reset();
    assert_eq!(calls.total(), 0);
    assert!(calls.keys(CACHE).is_empty());
}
