//! A client of a market, and what it is answered.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Asks a market over HTTP, wherever it runs.
pub(crate) struct Client {
    base: String,
    client: reqwest::Client,
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        Self {
            base,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/json");
        Answer::to(request.body(body)).await
    }

    /// A POST under an idempotency key.
    pub(crate) async fn post_with_key(&self, path: &str, key: &str, body: &str) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", key);
        Answer::to(request.body(body.to_owned())).await
    }

    /// Registers a goat and gives back its id.
    pub(crate) async fn goat(&self, name: &str) -> String {
        let goat = json!({"name": name, "owner": "Peter", "breed": "Nubian"});
        let answer = self.post("/goats", goat.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.id()
    }

    /// Puts an item on offer at a price written as JSON.
    pub(crate) async fn offer(&self, goat: &str, name: &str, price: &str) {
        let body = format!(
            r#"{{"name":{},"description":"","price":{price}}}"#,
            json!(name)
        );
        let answer = self.post(&format!("/goats/{goat}/catalog"), body).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert_eq!(answer.body, "");
    }

    /// Orders lines of goat, item and quantity.
    pub(crate) async fn order(&self, lines: &[(&str, &str, u32)]) -> Answer {
        let line = |(goat, item, quantity): &(&str, &str, u32)| json!({"goatId": goat, "catalogItem": item, "quantity": quantity});
        let lines: Vec<_> = lines.iter().map(line).collect();
        self.post("/orders", json!({"items": lines}).to_string())
            .await
    }

    /// The members of a list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let items = answer.json()["items"].as_array().cloned();
        items.expect("a list has items")
    }
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.expect("the answer arrives whole"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(
            self.headers[CONTENT_TYPE], "application/json",
            "{}",
            self.body
        );
        serde_json::from_str(&self.body).expect("the answer is JSON")
    }

    pub(crate) fn id(&self) -> String {
        let json = self.json();
        json["id"]
            .as_str()
            .expect("the answer has an id")
            .to_owned()
    }

    /// The message of an error of this status, which has nothing else in its body.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        let json = self.json();
        let message = json["message"].as_str().expect("an error has a message");
        assert_eq!(json, json!({"message": message}));
        message.to_owned()
    }
}
