//! `/orders`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::task::JoinSet;

use super::support::Server;

const NO_GOAT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

#[tokio::test]
async fn an_order_is_served_as_it_was_placed() {
    let server = Server::start().await;
    let (heidi, clara) = (server.goat("Heidi").await, server.goat("Clara").await);
    server.offer(&heidi, "Milk", "19.90").await;
    server.offer(&clara, "soap", "0.05").await;
    let answer = server
        .order(&[(&heidi, "MILK", 2), (&clara, "soap", 3)])
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let id = answer.id();
    assert_eq!(answer.json(), json!({"id": id}));

    let served = server.get(&format!("/orders/{id}")).await;
    assert_eq!(served.status, 200);
    let order = served.json();
    let expected = json!([
        {"goatId": heidi, "catalogItem": "MILK", "quantity": 2},
        {"goatId": clara, "catalogItem": "soap", "quantity": 3},
    ]);
    assert_eq!(order["items"], expected);
    assert!(served.body.contains(r#""total":39.95,"#), "{}", served.body);
    assert_eq!(server.list("/orders").await, std::slice::from_ref(&order));

    let date = order["date"].as_str().unwrap();
    assert!(date.ends_with('Z'), "{date}");
    let age = SystemTime::now()
        .duration_since(humantime::parse_rfc3339(date).unwrap())
        .unwrap();
    assert!(age < Duration::from_secs(60), "{date}");
}

#[tokio::test]
async fn a_total_is_exact() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    for (price, quantity, total) in [
        ("0.1", 3, "0.3"),
        ("19.90", 1, "19.90"),
        ("9007199254740993.01", 1, "9007199254740993.01"),
        ("9007199254740993.01", 3, "27021597764222979.03"),
        ("1e2", 7, "700"),
        ("0", 1_000_000_000, "0"),
    ] {
        server.offer(&goat, "milk", price).await;
        let id = server.order(&[(&goat, "milk", quantity)]).await.id();
        let served = server.get(&format!("/orders/{id}")).await;
        let total = format!(r#""total":{total},"#);
        assert!(served.body.contains(&total), "{}", served.body);
    }
}

#[tokio::test]
async fn the_total_can_be_longer_than_any_price() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "palace", &"9".repeat(100)).await;
    let id = server.order(&[(&goat, "palace", 1_000_000_000)]).await.id();
    let served = server.get(&format!("/orders/{id}")).await;
    let total = format!(r#""total":{}{},"#, "9".repeat(100), "0".repeat(9));
    assert!(served.body.contains(&total), "{}", served.body);
}

#[tokio::test]
async fn a_later_price_does_not_change_an_order() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1.50").await;
    let id = server.order(&[(&goat, "milk", 2)]).await.id();
    server.offer(&goat, "MILK", "9").await;
    let served = server.get(&format!("/orders/{id}")).await;
    assert!(served.body.contains(r#""total":3.00,"#), "{}", served.body);
    assert!(
        served.body.contains(r#""catalogItem":"milk""#),
        "{}",
        served.body
    );
}

#[tokio::test]
async fn orders_and_their_items_are_listed_in_their_order() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    let mut ids = Vec::new();
    for number in 1..=12 {
        let lines = vec![(goat.as_str(), "milk", number); 12];
        ids.push(json!(server.order(&lines).await.id()));
    }
    let listed = server.list("/orders").await;
    let listed_ids: Vec<_> = listed.iter().map(|order| order["id"].clone()).collect();
    assert_eq!(listed_ids, ids);
    assert!(
        listed
            .iter()
            .all(|order| order["items"].as_array().unwrap().len() == 12)
    );
}

#[tokio::test]
async fn an_order_with_a_missing_item_saves_nothing() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    for (missing_of, missing) in [
        (goat.as_str(), "chess"),
        (NO_GOAT, "milk"),
        ("heidi", "milk"),
    ] {
        let answer = server
            .order(&[(&goat, "milk", 1), (missing_of, missing, 1)])
            .await;
        let message = answer.refusal(400);
        let expected = format!(
            "items[1] asks for {missing:?}, which is not in the catalog of a goat {missing_of:?}"
        );
        assert_eq!(message, expected);
    }
    assert!(server.list("/orders").await.is_empty());
}

#[tokio::test]
async fn a_faulty_order_is_refused_by_field() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    let good = json!({"goatId": goat, "catalogItem": "milk", "quantity": 1});
    for (second, place) in [
        (
            json!({"catalogItem": "milk", "quantity": 1}),
            "items[1].goatId is missing",
        ),
        (
            json!({"goatId": goat, "quantity": 1}),
            "items[1].catalogItem is missing",
        ),
        (
            json!({"goatId": goat, "catalogItem": "milk"}),
            "items[1].quantity is missing",
        ),
        (
            json!({"goatId": 7, "catalogItem": "milk", "quantity": 1}),
            "items[1].goatId must be text",
        ),
        (
            json!({"goatId": goat, "catalogItem": [], "quantity": 1}),
            "items[1].catalogItem must be",
        ),
        (
            json!({"goatId": goat, "catalogItem": "milk", "quantity": 0.5}),
            "items[1].quantity must be a whole number of at least 1, got 0.5",
        ),
        (
            json!({"goatId": goat, "catalogItem": "milk", "quantity": 0}),
            "items[1].quantity must be a whole number of at least 1, got 0",
        ),
        (
            json!({"goatId": goat, "catalogItem": "milk", "quantity": 1_000_000_001}),
            "items[1].quantity must be at most 1000000000, got 1000000001",
        ),
        (
            json!({"goatId": goat, "catalogItem": "milk", "quantity": "2"}),
            "items[1].quantity must be a number, got the text \"2\"",
        ),
        (
            json!("milk"),
            "items[1] must be a JSON object, got the text \"milk\"",
        ),
    ] {
        let body = json!({"items": [good, second]}).to_string();
        let message = server.post("/orders", body).await.refusal(400);
        assert!(message.starts_with(place), "{second}: {message}");
    }
    for (body, place) in [
        (json!({}), "items is missing"),
        (json!({"items": []}), "items must have at least one item"),
        (
            json!({"items": vec![json!({"goatId": goat, "catalogItem": "milk", "quantity": 1}); 1001]}),
            "items must have at most 1000 items",
        ),
        (
            json!({"items": {}}),
            "items must be an array, got an object",
        ),
        (json!({"items": null}), "items must be an array, got null"),
    ] {
        let message = server.post("/orders", body.to_string()).await.refusal(400);
        assert!(message.starts_with(place), "{body}: {message}");
    }
    assert!(server.list("/orders").await.is_empty());
}

#[tokio::test]
async fn a_whole_number_is_a_quantity_however_it_is_written() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    let body = format!(
        r#"{{"items":[{{"goatId":"{goat}","catalogItem":"milk","quantity":2.0}},
            {{"goatId":"{goat}","catalogItem":"milk","quantity":1e3}}]}}"#
    );
    let id = server.post("/orders", body).await.id();
    let order = server.get(&format!("/orders/{id}")).await.json();
    assert_eq!(order["items"][0]["quantity"], json!(2));
    assert_eq!(order["items"][1]["quantity"], json!(1000));
    assert_eq!(order["total"], json!(1002));
}

#[tokio::test]
async fn an_unknown_order_is_not_found() {
    let server = Server::start().await;
    for id in ["0190163d-8694-739b-aea5-966c26f8ad91", "1", "%FF", "%00"] {
        let message = server.get(&format!("/orders/{id}")).await.refusal(404);
        assert!(message.starts_with("there is no order"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_orders_all_succeed() {
    let server = Arc::new(Server::start().await);
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    let mut clients = JoinSet::new();
    for _ in 0..60 {
        let (server, goat) = (Arc::clone(&server), goat.clone());
        clients.spawn(async move {
            server
                .order(&[(&goat, "milk", 1), (&goat, "Milk", 2)])
                .await
        });
    }
    let answers = clients.join_all().await;
    assert_eq!(answers.len(), 60);
    for answer in answers {
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    assert_eq!(server.list("/orders").await.len(), 60);
}
