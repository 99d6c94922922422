//! A server with the market, and requests to it.

use std::net::SocketAddr;

use idem_core::Policy;
use reqwest::{Method, RequestBuilder};
use tokio::time::timeout;

use crate::{Adapter, Answer, Effects, NEVER, send};

/// A server that runs, with what its handlers do.
#[derive(Clone, Debug)]
pub struct Server {
    pub address: SocketAddr,
    pub effects: Effects,
    client: reqwest::Client,
}

impl Server {
    /// The market under a policy, with a store of its own.
    pub async fn start<A: Adapter>(policy: Policy) -> Self {
        Self::with_layer(A::new(A::store(), policy)).await
    }

    /// The market under a layer.
    pub async fn with_layer(layer: impl Adapter) -> Self {
        let effects = Effects::default();
        Self::at(layer.serve(effects.clone()).await, effects)
    }

    /// The market at `/nested`, under two layers.
    pub async fn nested<A: Adapter>(outer: A, inner: A) -> Self {
        let effects = Effects::default();
        Self::at(
            A::serve_nested(outer, inner, effects.clone()).await,
            effects,
        )
    }

    /// A server that runs already; a request that it never answers fails.
    ///
    /// # Panics
    /// If there can be no client.
    #[must_use]
    pub fn at(address: SocketAddr, effects: Effects) -> Self {
        let client = reqwest::Client::builder().timeout(NEVER);
        Self {
            address,
            effects,
            client: client.build().unwrap(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// A JSON request with a key.
    pub fn post(&self, path: &str, key: &str, json: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(json)
    }

    /// Repeats a request until the original has ended, and gives the answer from then on.
    ///
    /// # Panics
    /// If the original does not end.
    pub async fn settled(&self, path: &str, key: &str) -> Answer {
        let settled = timeout(NEVER, async {
            loop {
                let answer = send(self.post(path, key, "{}")).await;
                if answer.header("idempotency-refusal") != Some("idempotency-in-progress") {
                    return answer;
                }
            }
        });
        settled.await.expect("the original ends")
    }
}
