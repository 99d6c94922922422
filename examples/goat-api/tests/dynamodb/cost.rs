//! What a request costs: the calls that it makes, and the units that they are billed by.
//!
//! The guide's page on the deployment has these figures.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::customer::Customer;
use crate::disturbed::{disturbed_on, order_of};
use crate::on_dynamodb;
use crate::program::fresh_table;

/// The calls that this request makes.
async fn calls(
    between: &test_servers::DynamoDbProxy,
    request: impl Future<Output = u16>,
) -> (u16, Vec<(String, usize)>) {
    between.forget_counts();
    let status = request.await;
    (status, between.counts().into_iter().collect())
}

fn expected(calls: &[(&str, usize)]) -> Vec<(String, usize)> {
    let calls = calls
        .iter()
        .map(|(operation, times)| ((*operation).to_owned(), *times));
    calls.collect::<BTreeMap<_, _>>().into_iter().collect()
}

async fn post(customer: &Customer, path: &str, key: &str, body: &str) -> u16 {
    customer.post_with_key(path, key, body).await.status
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_fresh_order_takes_three_calls_and_its_duplicate_one() {
    let table = fresh_table();
    let (between, _program, customer) = disturbed_on(&table).await;
    let goat = customer.goat("Heidi").await;
    customer.offer(&goat, "milk", "1").await;
    let (milk, chess) = (order_of(&goat, "milk"), order_of(&goat, "chess"));

    let fresh = calls(&between, post(&customer, "/orders", "k", &milk)).await;
    let all = [
        ("PutItem", 1),
        ("TransactGetItems", 1),
        ("TransactWriteItems", 1),
    ];
    assert_eq!(fresh, (201, expected(&all)));
    let replay = calls(&between, post(&customer, "/orders", "k", &milk)).await;
    assert_eq!(replay, (201, expected(&[("PutItem", 1)])));
    let mismatch = calls(&between, post(&customer, "/orders", "k", &chess)).await;
    assert_eq!(mismatch, (400, expected(&[("PutItem", 1)])));
    let failed = calls(&between, post(&customer, "/orders", "free", &chess)).await;
    let all = [("PutItem", 1), ("TransactGetItems", 1), ("DeleteItem", 1)];
    assert_eq!(failed, (400, expected(&all)));
    let heidi = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"}).to_string();
    let goat = calls(&between, post(&customer, "/goats", "goat", &heidi)).await;
    assert_eq!(
        goat,
        (201, expected(&[("PutItem", 1), ("TransactWriteItems", 1)]))
    );

    // A write is billed by the KB, and so is one whose condition fails: by what is there.
    for item in items(&table).await {
        let size = size(&item);
        let pk = item["pk"]["S"].as_str().unwrap();
        assert!(size <= 1024, "{pk} has {size} bytes");
    }
}

async fn items(table: &str) -> Vec<Value> {
    let scanned = on_dynamodb("Scan", &json!({"TableName": table, "ConsistentRead": true})).await;
    let items = scanned["Items"].as_array().unwrap().clone();
    // Two goats, an item on offer, an order, and two records.
    assert_eq!(items.len(), 6);
    items
}

/// How large an item is, by DynamoDB's rule: names and values, in bytes.
fn size(item: &Value) -> usize {
    let attributes = item.as_object().unwrap().iter();
    let sizes = attributes.map(|(name, value)| {
        let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
        let text = value.as_str().unwrap();
        let value = match kind.as_str() {
            "B" => BASE64_STANDARD.decode(text).unwrap().len(),
            // A byte for two digits, and one more.
            "N" => text.len().div_ceil(2) + 1,
            "S" => text.len(),
            other => panic!("{name} is of the kind {other}"),
        };
        name.len() + value
    });
    sizes.sum()
}
