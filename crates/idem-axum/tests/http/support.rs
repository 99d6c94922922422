//! A server with the market under a policy, a client that speaks to it, and what it got.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{CurrentExecution, Policy, TravellingLease};
use reqwest::{Method, RequestBuilder};
use tokio::sync::Semaphore;

use crate::market;
pub(crate) use crate::{market::Layer, store::store};

/// Both profiles that the scenarios tell apart, with the status of a mismatch and of "in progress".
pub(crate) fn profiles() -> [(Policy, u16, u16); 2] {
    let ietf = Policy::ietf().key_requirement(idem_core::KeyRequirement::Optional);
    [(Policy::reference(), 400, 202), (ietf, 422, 409)]
}

/// What the handlers share with the test.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    runs: Arc<AtomicUsize>,
    /// A handler at `/gated` takes one permit before it goes on.
    pub(crate) gate: Arc<Semaphore>,
    /// What the handler at `/travels` sends: its lease.
    pub(crate) queue: Arc<Mutex<Vec<String>>>,
}

impl Effects {
    pub(crate) fn new() -> Self {
        Self {
            runs: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            queue: Arc::default(),
        }
    }

    pub(crate) fn run(&self) -> usize {
        self.runs.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Sends a handler's lease away, for the `/travels` of each market.
    pub(crate) async fn send(&self, current: &CurrentExecution) {
        self.run();
        let send = async |lease: TravellingLease| {
            self.queue.lock().unwrap().push(lease.to_text());
            Ok::<_, std::io::Error>(())
        };
        current.travel(Duration::ZERO, send).await.unwrap();
    }

    /// Has a task send a handler's lease away, which fails after the handler has answered.
    pub(crate) fn send_in_vain(&self, current: &CurrentExecution) {
        self.run();
        let current = current.clone();
        tokio::spawn(async move {
            let send = async |_| {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err::<(), _>(std::io::Error::other("the queue is gone"))
            };
            current.travel(Duration::ZERO, send).await
        });
    }

    /// How many times any handler ran.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// Waits until a handler has run this often.
    pub(crate) async fn wait_for_runs(&self, runs: usize) {
        while self.runs() < runs {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) effects: Effects,
    client: reqwest::Client,
}

impl Server {
    /// The market under a policy, with a store of its own.
    pub(crate) async fn start(policy: Policy) -> Self {
        Self::with_layer(Layer::new(store()).policy(policy)).await
    }

    pub(crate) async fn with_layer(layer: Layer) -> Self {
        let effects = Effects::new();
        let address = market::serve(layer, effects.clone()).await;
        Self::at(address, effects)
    }

    /// The market at `/nested`, under two layers.
    pub(crate) async fn nested(outer: Layer, inner: Layer) -> Self {
        let effects = Effects::new();
        let address = market::serve_nested(outer, inner, effects.clone()).await;
        Self::at(address, effects)
    }

    pub(crate) fn at(address: SocketAddr, effects: Effects) -> Self {
        Self {
            address,
            effects,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// A JSON request with a key.
    pub(crate) fn post(
        &self,
        path: &str,
        key: &str,
        json: impl Into<reqwest::Body>,
    ) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(json)
    }
}

/// What a client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(candidate, _)| candidate == name)?;
        std::str::from_utf8(value).ok()
    }

    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let lines = self
            .headers
            .iter()
            .filter(|(candidate, _)| candidate == name);
        lines.map(|(_, value)| value.as_slice()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }

    /// The answer without what may differ between an original and its replay.
    pub(crate) fn comparable(&self) -> Self {
        let mut answer = self.clone();
        answer
            .headers
            .retain(|(name, _)| name != "date" && name != "idempotency-replayed");
        // The order of different names has no meaning, that of equal names has.
        answer
            .headers
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        answer
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let body = response.bytes().await.expect("the body is whole").to_vec();
    Answer {
        status,
        headers,
        body,
    }
}
