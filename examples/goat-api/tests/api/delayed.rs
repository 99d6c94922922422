//! Orders that take a while.

use std::time::{Duration, Instant};

use goat_api::market::order::NewOrder;
use serde_json::json;

use crate::support::Server;

fn milk(goat: &str) -> NewOrder {
    let body = json!({"items": [{"goatId": goat, "catalogItem": "milk", "quantity": 1}]});
    NewOrder::parse(body.to_string().as_bytes()).expect("the order makes sense")
}

#[tokio::test]
async fn a_delayed_order_takes_that_long() {
    let server = Server::inside().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    let delay = Duration::from_millis(200);
    let started = Instant::now();
    server
        .market()
        .clone()
        .order_delay(delay)
        .order(milk(&goat))
        .await
        .unwrap();
    assert!(started.elapsed() >= delay);
    assert_eq!(server.list("/orders").await.len(), 1);
}

#[tokio::test]
async fn a_delayed_order_keeps_nobody_waiting() {
    let server = Server::inside().await;
    let goat = server.goat("Heidi").await;
    let slow = server
        .market()
        .clone()
        .order_delay(Duration::from_secs(3600));
    tokio::select! {
        biased;
        _ = slow.order(milk(&goat)) => panic!("the order was not delayed"),
        _ = server.goat("Clara") => {}
    }
}
