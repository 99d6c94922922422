//! What each operation costs: requests, counted by the proxy, and units, by the documented rules.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{Claim, Fenced, Outcome, Record},
};
use idem_dynamodb::DynamoDbStore;
use test_servers::DynamoDbProxy;

use crate::server::{
    Item, LONG, client, complete, key, lease, proxy, record_item, response, store,
};

/// What was asked for since the last call.
fn asked(proxy: &DynamoDbProxy) -> Vec<(String, usize)> {
    let counts = proxy.counts().into_iter().collect();
    proxy.forget_counts();
    counts
}

fn calls(of: &[(&str, usize)]) -> Vec<(String, usize)> {
    of.iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

#[tokio::test]
async fn fresh_two_failed_two_duplicate_one_look_up_one_renewal_one() {
    let proxy = proxy();
    let store = store(&proxy).await;
    let (fresh, failed, owner) = (key(), key(), lease());
    asked(&proxy);

    assert_eq!(store.claim(&failed, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(store.release(&failed, &owner).await.unwrap(), Fenced::Held);
    assert_eq!(
        asked(&proxy),
        calls(&[("DeleteItem", 1), ("PutItem", 1)]),
        "failed"
    );

    assert_eq!(store.claim(&fresh, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(complete(&store, &fresh, &owner).await, Fenced::Held);
    assert_eq!(asked(&proxy), calls(&[("PutItem", 2)]), "fresh");

    let replayed = store.claim(&fresh, &lease()).await.unwrap();
    assert!(matches!(replayed, Claim::Taken(Record::Completed(_))));
    assert_eq!(asked(&proxy), calls(&[("PutItem", 1)]), "a replay");

    assert!(store.look_up(&fresh).await.unwrap().is_some());
    assert_eq!(asked(&proxy), calls(&[("GetItem", 1)]), "a look-up");

    let running = key();
    assert_eq!(store.claim(&running, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(store.claim(&running, &owner).await.unwrap(), Claim::Owned);
    let taken = store.claim(&running, &lease()).await.unwrap();
    assert!(matches!(taken, Claim::Taken(Record::Pending(_))));
    assert_eq!(
        asked(&proxy),
        calls(&[("PutItem", 3)]),
        "claims of a key that is taken"
    );
    assert_eq!(store.renew(&running, &owner).await.unwrap(), Fenced::Held);
    assert_eq!(asked(&proxy), calls(&[("UpdateItem", 1)]), "a renewal");
    assert_eq!(proxy.eventual_reads(), 0, "each read is consistent");
}

#[tokio::test]
async fn a_long_response_takes_one_request_more() {
    let proxy = proxy();
    let store = store(&proxy).await;
    for (length, more) in [(1024, 0), (1025, 1), (100_000, 1), (2 << 20, 6)] {
        let (key, owner, outcome) = (key(), lease(), response(vec![7; length]));
        assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
        asked(&proxy);
        let completed = store.complete(&key, &owner, &outcome, LONG).await.unwrap();
        assert_eq!(completed, Fenced::Held);
        assert_eq!(asked(&proxy), calls(&[("PutItem", 1 + more)]), "{length}");

        assert_eq!(replayed(&store, &key).await, outcome, "{length}");
        let reads = calls(&[("GetItem", more), ("PutItem", 1)]);
        let reads: Vec<_> = reads.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(asked(&proxy), reads, "{length}");
    }
}

async fn replayed(store: &DynamoDbStore, key: &RecordKey) -> Outcome {
    match store.claim(key, &lease()).await.unwrap() {
        Claim::Taken(Record::Completed(found)) => found.outcome().clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_item_that_conditions_are_about_stays_small() {
    let proxy = proxy();
    let (store, client) = (store(&proxy).await, client(&proxy));
    // Units to claim, to complete, and for a duplicate, which is billed as the write that failed.
    for (length, units) in [(100, [1, 1, 1]), (1_024, [1, 2, 2]), (100_000, [1, 99, 1])] {
        let (key, owner) = (key(), lease());
        assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
        let pending = write_units(&client, &key).await;
        let outcome = response(vec![7; length]);
        let completed = store.complete(&key, &owner, &outcome, LONG).await.unwrap();
        assert_eq!(completed, Fenced::Held);
        let completed = write_units(&client, &key).await;
        let parts = part_units(&client, &key).await;
        assert_eq!([pending, completed + parts, completed], units, "{length}");
    }
}

/// A write is billed by the larger of what it finds and what it leaves, in units of 1 KB.
async fn write_units(client: &Client, key: &RecordKey) -> usize {
    size(&record_item(client, key).await).div_ceil(1024)
}

async fn part_units(client: &Client, key: &RecordKey) -> usize {
    let scan = client.scan().table_name("market");
    let scan = scan
        .filter_expression("begins_with(pk, :parts)")
        .expression_attribute_values(":parts", AttributeValue::S(format!("idem#{key}#")));
    let found = scan
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await;
    found
        .unwrap()
        .iter()
        .map(|item| size(item).div_ceil(1024))
        .sum()
}

/// As the developer guide counts: names and values; a number has a byte for two digits, and one more.
fn size(item: &Item) -> usize {
    let of = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        other => panic!("{other:?}"),
    };
    item.iter()
        .map(|(name, value)| name.len() + of(value))
        .sum()
}
