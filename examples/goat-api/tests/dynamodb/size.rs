//! What is larger than an item, a page or a transaction of DynamoDB.

use serde_json::json;

use crate::program::fresh_table;
use crate::{market, on_dynamodb};

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_catalog_item_may_grow_and_shrink_and_stays_one() {
    let (_program, customer) = market(&fresh_table());
    let goat = customer.goat("Heidi").await;
    let path = format!("/goats/{goat}/catalog");
    for length in [1, 1_900_000, 140_000, 0, 700_000] {
        let description = "🐐".repeat(length / 4) + &"x".repeat(length % 4);
        let item = json!({"name": "milk", "description": description, "price": 1.25});
        let answer = customer.post(&path, item.to_string()).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert_eq!(customer.list(&path).await, [item]);
    }
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_long_text_for_a_goat_that_is_unknown_leaves_nothing_behind() {
    let table = fresh_table();
    let (_program, customer) = market(&table);
    let path = "/goats/01ARZ3NDEKTSV4RRFFQ69G5FAV/catalog";
    let item = json!({"name": "milk", "description": "x".repeat(700_000), "price": 1});
    customer.post(path, item.to_string()).await.refusal(404);
    let scanned = on_dynamodb("Scan", &json!({"TableName": table, "Select": "COUNT"})).await;
    assert_eq!(scanned["Count"], 0);
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn an_order_may_have_more_items_than_a_transaction() {
    let (_program, customer) = market(&fresh_table());
    let goat = customer.goat("Heidi").await;
    let names: Vec<_> = (0..230).map(|number| format!("soap {number}")).collect();
    for (number, name) in names.iter().enumerate() {
        customer.offer(&goat, name, &format!("{number}.01")).await;
    }
    let lines = names.iter().cycle().take(2 * names.len());
    let lines: Vec<_> = lines.map(|name| (&*goat, &**name, 1)).collect();
    let id = customer.order(&lines).await.id();
    let order = customer.get(&format!("/orders/{id}")).await;
    // Twice 0 + 1 + … + 229, and 460 times a cent.
    assert!(order.body.contains(r#""total":52674.60,"#), "{id}");
    let items = order.json()["items"].as_array().unwrap().clone();
    let ordered: Vec<_> = items.iter().map(|item| &item["catalogItem"]).collect();
    assert_eq!(
        ordered,
        lines.iter().map(|(_, name, _)| *name).collect::<Vec<_>>()
    );

    let mut lines = lines;
    lines[333].1 = "chess";
    let message = customer.order(&lines).await.refusal(400);
    assert!(
        message.starts_with(r#"items[333] asks for "chess""#),
        "{message}"
    );
    assert_eq!(customer.list("/orders").await.len(), 1);
}
