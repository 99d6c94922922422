//! Clients that order, and retry each order under its key until they have its id.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Failed;
use crate::tally::Tally;

/// Where markets are at the moment.
pub(crate) type Bases = Arc<RwLock<Vec<String>>>;

/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it waits before it asks again, where nobody answered and where the key is taken.
const PAUSE: Duration = Duration::from_millis(10);
const LONG_PAUSE: Duration = Duration::from_millis(50);

/// The most orders that one client can place: the quantity tells them apart, and ends at a billion.
const MOST: u32 = 10_000_000;

/// Clients that run.
#[derive(Debug)]
pub(crate) struct Clients {
    over: Arc<AtomicBool>,
    tasks: JoinSet<Result<Tally, Failed>>,
}

impl Clients {
    /// Starts them, for an item of this goat.
    pub(crate) fn start(count: u32, goat: &str, bases: &Bases) -> Result<Self, Failed> {
        let over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for client in 0..count {
            let buyer = Arc::new(Buyer {
                http: Client::builder().timeout(PATIENCE).build()?,
                goat: goat.to_owned(),
                bases: Arc::clone(bases),
            });
            let over = Arc::clone(&over);
            tasks.spawn(async move { buyer.buy(client, &over).await });
        }
        Ok(Self { over, tasks })
    }

    /// Lets each have its last answer.
    pub(crate) async fn end(mut self) -> Result<Tally, Failed> {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        while let Some(tally) = self.tasks.join_next().await {
            all.add(tally??);
        }
        Ok(all)
    }
}

struct Buyer {
    http: Client,
    goat: String,
    bases: Bases,
}

/// What one request came to.
enum Attempt {
    Placed(String),
    InProgress,
    Failed,
}

impl Buyer {
    /// Orders one quantity after the other. A key that a dead market still holds is seen to aside.
    async fn buy(self: Arc<Self>, client: u32, over: &AtomicBool) -> Result<Tally, Failed> {
        let mut tally = Tally::default();
        let mut aside = JoinSet::new();
        for number in 1..MOST {
            let quantity = client * MOST + number;
            if !self.is_placed(quantity, &mut tally).await? {
                let buyer = Arc::clone(&self);
                aside.spawn(async move { buyer.wait_for(quantity).await });
            }
            if over.load(Ordering::Relaxed) {
                break;
            }
        }
        for late in aside.join_all().await {
            tally.add(late?);
        }
        Ok(tally)
    }

    /// Orders a quantity that no other order has, until there is an id for it or the key is taken.
    async fn is_placed(&self, quantity: u32, tally: &mut Tally) -> Result<bool, Failed> {
        loop {
            tally.requests += 1;
            match self.attempt(quantity).await? {
                Attempt::Placed(id) => {
                    tally.answered.insert(quantity, id);
                    return Ok(true);
                }
                Attempt::InProgress => return Ok(false),
                Attempt::Failed => sleep(PAUSE).await,
            }
        }
    }

    /// Orders it again until the key is free and there is an id.
    async fn wait_for(&self, quantity: u32) -> Result<Tally, Failed> {
        let since = Instant::now();
        let mut tally = Tally::default();
        while !self.is_placed(quantity, &mut tally).await? {
            sleep(LONG_PAUSE).await;
        }
        tally.blocked = since.elapsed();
        Ok(tally)
    }

    async fn attempt(&self, quantity: u32) -> Result<Attempt, Failed> {
        let order =
            json!({"items": [{"goatId": self.goat, "catalogItem": "Milk", "quantity": quantity}]});
        let request = self
            .http
            .post(format!("{}/orders", self.base()))
            .json(&order);
        // No key of another trial on this database.
        let key = format!("{}-{quantity}", self.goat);
        let Ok(answer) = request.header("idempotency-key", key).send().await else {
            return Ok(Attempt::Failed);
        };
        let status = answer.status();
        let Ok(body) = answer.text().await else {
            return Ok(Attempt::Failed);
        };
        match status.as_u16() {
            201 => {
                let body: Value = serde_json::from_str(&body)?;
                let id = body["id"].as_str().ok_or("an order has no id")?;
                Ok(Attempt::Placed(id.to_owned()))
            }
            202 => Ok(Attempt::InProgress),
            500.. => Ok(Attempt::Failed),
            _ => Err(format!("an order was answered with {status}: {body}").into()),
        }
    }

    fn base(&self) -> String {
        let bases = self.bases.read().unwrap_or_else(PoisonError::into_inner);
        bases.choose(&mut rand::rng()).cloned().unwrap_or_default()
    }
}
