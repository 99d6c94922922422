//! Orders that take a while.

use std::time::{Duration, Instant};

use idem_core::Policy;
use serde_json::json;

use super::support::Server;

#[tokio::test]
async fn a_delayed_order_takes_that_long() {
    let delay = Duration::from_millis(200);
    let server = Server::with_delay(Policy::reference(), delay).await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    let started = Instant::now();
    assert_eq!(server.order(&[(&goat, "milk", 1)]).await.status, 201);
    assert!(started.elapsed() >= delay);
    assert_eq!(server.list("/orders").await.len(), 1);
}

#[tokio::test]
async fn a_delayed_order_keeps_nobody_waiting() {
    let hour = Duration::from_secs(3600);
    let server = Server::with_delay(Policy::reference(), hour).await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "milk", "1").await;
    let order = json!({"items": [{"goatId": goat, "catalogItem": "milk", "quantity": 1}]});
    let order = order.to_string();
    // The one that comes second is told that the other is still running.
    let answer = tokio::select! {
        answer = server.post_with_key("/orders", "1", &order) => answer,
        answer = server.post_with_key("/orders", "1", &order) => answer,
    };
    assert_eq!(answer.status, 202, "{}", answer.body);
    server.goat("Clara").await;
}
