//! A client that sends its orders as often as it likes.

use std::time::Duration;

use serde_json::json;

use crate::Result;

pub(crate) struct Client {
    shop: String,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(shop: String) -> Self {
        Self {
            shop,
            http: reqwest::Client::new(),
        }
    }

    /// Sends an order, and says in a line what came back.
    pub(crate) async fn send(&self, order: u32) -> Result<String> {
        let request = self.http.post(format!("{}/orders", self.shop));
        let request = request.header("Idempotency-Key", format!("order-{order}"));
        let answer = request.json(&json!({ "order": order })).send().await?;
        let status = answer.status().as_u16();
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let kind = match (
            header("idempotency-refusal"),
            header("idempotency-replayed"),
        ) {
            (Some(refusal), _) => refusal.to_owned(),
            (None, Some(_)) => "replayed".to_owned(),
            (None, None) => "first".to_owned(),
        };
        if kind == "idempotency-in-progress" {
            return Ok(format!("{status}, in progress"));
        }
        Ok(format!("{status}, {kind}: {}", answer.text().await?))
    }

    /// Sends it again and again until it is no longer in progress.
    pub(crate) async fn send_until_shipped(&self, order: u32) -> Result<String> {
        loop {
            let answer = self.send(order).await?;
            if !answer.ends_with("in progress") {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
