//! Items that somebody else has changed.

use serde_json::{Value, json};

use crate::program::fresh_table;
use crate::{market, on_dynamodb};

/// The one item of a partition.
async fn item(table: &str, pk: &str) -> Value {
    let values = json!({":pk": {"S": pk}});
    let query = json!({"TableName": table, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values});
    let found = on_dynamodb("Query", &query).await;
    assert_eq!(found["Count"], 1, "{pk}");
    found["Items"][0].clone()
}

async fn put(table: &str, item: &Value) {
    on_dynamodb("PutItem", &json!({"TableName": table, "Item": item})).await;
}

/// Each way to spoil an item's attributes: one that is missing, of another type, or of no sense.
fn spoiled(item: &Value) -> Vec<Value> {
    let names = item.as_object().unwrap().keys();
    let names = names.filter(|name| !["pk", "sk"].contains(&name.as_str()));
    let mut spoiled = Vec::new();
    for name in names {
        let mut missing = item.clone();
        missing.as_object_mut().unwrap().remove(name);
        spoiled.push(missing);
        for value in [json!({"N": "7"}), json!({"M": {}}), json!({"S": "{}"})] {
            // When it was added is text of any kind.
            if name != "added" || value.get("S").is_none() {
                let mut other = item.clone();
                other[name] = value;
                spoiled.push(other);
            }
        }
    }
    let json = item["json"]["S"].as_str().unwrap();
    for (good, bad) in [
        ("Nubian", "Angora"),
        (r#""quantity":1"#, r#""quantity":0"#),
        ("2.50", "two"),
        ("T", "x"),
        (r#""goat":""#, r#""goat":"x"#),
    ] {
        if json.contains(good) {
            let mut other = item.clone();
            other["json"]["S"] = json!(json.replace(good, bad));
            spoiled.push(other);
        }
    }
    spoiled
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_spoiled_item_is_the_markets_failure_and_is_told_only_in_the_log() {
    let table = fresh_table();
    let (_program, customer) = market(&table);
    let goat = customer.goat("Heidi").await;
    customer.offer(&goat, "Milk", "2.50").await;
    let order = customer.order(&[(&goat, "milk", 1)]).await.id();
    let (catalog, order) = (format!("/goats/{goat}/catalog"), format!("/orders/{order}"));
    for (pk, path) in [
        ("GOATS", "/goats"),
        (&format!("GOAT#{goat}"), &catalog),
        ("ORDERS", "/orders"),
        ("ORDERS", &order),
    ] {
        let whole = item(&table, pk).await;
        let spoiled = spoiled(&whole);
        assert!(spoiled.len() > 4, "{whole}");
        for spoiled in spoiled {
            put(&table, &spoiled).await;
            let answer = customer.get(path).await;
            assert_eq!(answer.status, 500, "{spoiled}: {}", answer.body);
            let message = answer.refusal(500);
            assert_eq!(message, "the market failed, the fault is not yours");
        }
        put(&table, &whole).await;
        assert_eq!(customer.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn nothing_is_ordered_at_a_spoiled_price() {
    let table = fresh_table();
    let (_program, customer) = market(&table);
    let goat = customer.goat("Heidi").await;
    customer.offer(&goat, "Milk", "2.50").await;
    let mut spoiled = item(&table, &format!("GOAT#{goat}")).await;
    spoiled["price"] = json!({"S": "two"});
    put(&table, &spoiled).await;
    customer.order(&[(&goat, "milk", 1)]).await.refusal(500);
    assert!(customer.list("/orders").await.is_empty());
}
