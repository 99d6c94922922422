//! A small server with one handler, which does as the order says: on axum and on actix, on either database.

use std::{
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{CurrentExecution, Policy, TravellingLease};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    database::{Place, Store, Transaction},
    serving::{Framework, Running, serve},
};

/// What an order asks of the handler, beside one row of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Order {
    pub(crate) item: String,
    /// How long it works before it begins a transaction, in milliseconds.
    pub(crate) before: u64,
    /// What happens within the transaction, before it is handed over.
    pub(crate) within: Within,
    /// How long it works within the transaction, in milliseconds.
    pub(crate) work: u64,
    /// Where it waits until another one does.
    pub(crate) meets: Option<Meets>,
    /// What the handler answers afterwards.
    pub(crate) answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Meets {
    BeforeItBegins,
    WithinTheTransaction,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Within {
    #[default]
    Nothing,
    /// SQL of the handler's.
    Sql(String),
    /// A statement fails after which nothing can be committed, and nobody cares.
    Swallow,
    /// The row breaks a constraint that is checked at COMMIT.
    BreakDeferred,
    /// A transaction within it, of which nobody says the end.
    ForgottenTransaction,
    SecondTransaction,
    OtherStore,
    /// The lease is sent away after the hand-over.
    Travel,
    /// It is dropped and not handed over.
    Drop,
    /// It is rolled back and not handed over.
    RollBack,
    /// What only one of the databases has.
    OfItsOwn(String),
    /// The lease is sent away, and no transaction begun.
    Send,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    #[default]
    Created,
    Status(u16),
    Panic,
    /// Too large to be kept.
    Large,
    LargeAndKept,
    Stream,
    /// An answer after some more work, in milliseconds, which renewals go on in.
    Late(u64),
}

pub(crate) fn order(item: &str) -> Order {
    Order {
        item: item.into(),
        ..Order::default()
    }
}

pub(crate) fn within(item: &str, within: Within) -> Order {
    Order {
        within,
        ..order(item)
    }
}

pub(crate) fn running(item: &str, sql: impl Into<String>) -> Order {
    within(item, Within::Sql(sql.into()))
}

pub(crate) fn answering(item: &str, answer: Answer) -> Order {
    Order {
        answer,
        ..order(item)
    }
}

pub(crate) struct Market {
    pub(crate) store: Store,
    /// In tables of its own.
    pub(crate) other: Store,
    place: Place,
    waiting: AtomicUsize,
    sent: Mutex<Option<TravellingLease>>,
}

impl Deref for Market {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Market {
    pub(crate) fn new(place: Place, store: Store, other: Store) -> Self {
        Self {
            store,
            other,
            place,
            waiting: AtomicUsize::new(0),
            sent: Mutex::default(),
        }
    }

    pub(crate) async fn order(
        &self,
        current: Option<&CurrentExecution>,
        order: &Order,
    ) -> Result<(u16, Value), sqlx::Error> {
        sleep(Duration::from_millis(order.before)).await;
        if order.meets == Some(Meets::BeforeItBegins) {
            self.meet().await;
        }
        if order.within == Within::Send {
            let send = async |lease| {
                *self.sent.lock().unwrap() = Some(lease);
                Ok(())
            };
            travel(current.unwrap(), send).await?;
            return Ok((202, json!("on its way")));
        }
        let mut tx = self.place.begin(&self.store, current).await?;
        let id = self.insert(&mut tx, order).await?;
        self.within(&mut tx, current, &order.within).await?;
        if order.meets == Some(Meets::WithinTheTransaction) {
            self.meet().await;
        }
        sleep(Duration::from_millis(order.work)).await;
        match order.within {
            Within::Drop => drop(tx),
            Within::RollBack => tx.rollback().await?,
            _ => tx.commit_with_response().await?,
        }
        if order.within == Within::Travel {
            travel(current.unwrap(), async |_| Ok(())).await?;
        }
        let created = json!({ "id": id, "item": order.item });
        Ok(match order.answer {
            Answer::Created | Answer::Stream => (201, created),
            Answer::Status(status) => (status, created),
            Answer::Panic => panic!("as it was asked"),
            Answer::Large => (201, json!("x".repeat(2 * 1024 * 1024))),
            Answer::LargeAndKept => (201, json!("x".repeat(500_000))),
            Answer::Late(milliseconds) => {
                sleep(Duration::from_millis(milliseconds)).await;
                (201, created)
            }
        })
    }

    async fn insert(&self, tx: &mut Transaction, order: &Order) -> Result<i64, sqlx::Error> {
        let parent = (order.within == Within::BreakDeferred).then_some(404_i64);
        let sql = format!(
            "INSERT INTO {} (item, parent) VALUES ($1, $2) RETURNING id",
            self.named("orders")
        );
        sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(&order.item)
            .bind(parent)
            .fetch_one(&mut **tx)
            .await
    }

    async fn within(
        &self,
        tx: &mut Transaction,
        current: Option<&CurrentExecution>,
        within: &Within,
    ) -> Result<(), sqlx::Error> {
        match within {
            Within::Sql(sql) => {
                let sql = AssertSqlSafe(sql.clone());
                sqlx::raw_sql(sql).execute(&mut **tx).await?;
            }
            Within::Swallow => {
                let failing = AssertSqlSafe(self.failing());
                let failed = sqlx::raw_sql(failing).execute(&mut **tx).await;
                failed.unwrap_err();
            }
            Within::ForgottenTransaction => {
                use sqlx::Connection;
                std::mem::forget(tx.begin().await?);
            }
            Within::SecondTransaction => drop(self.store.begin(current).await?),
            Within::OtherStore => drop(self.other.begin(current).await?),
            Within::OfItsOwn(name) => self.place.within(tx, name).await?,
            Within::Nothing
            | Within::BreakDeferred
            | Within::Travel
            | Within::Drop
            | Within::RollBack
            | Within::Send => {}
        }
        Ok(())
    }

    /// Waits until there was another one here. One that comes later passes.
    pub(crate) async fn meet(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while self.waiting.load(Ordering::SeqCst) < 2 {
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// The lease that a handler sent.
    pub(crate) fn received(&self) -> TravellingLease {
        let sent = self.sent.lock().unwrap().take();
        sent.expect("a handler has sent its lease")
    }
}

async fn travel<F: Future<Output = std::io::Result<()>> + Send>(
    current: &CurrentExecution,
    send: impl FnOnce(TravellingLease) -> F + Send,
) -> Result<(), sqlx::Error> {
    let travelled = current.travel(Duration::from_secs(9), send).await;
    travelled.map_err(|error| sqlx::Error::Configuration(Box::new(error)))
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) framework: Framework,
    market: Arc<Market>,
    url: String,
    http: reqwest::Client,
    /// The server stops when it is dropped.
    _running: Arc<Running>,
}

impl Deref for Client {
    type Target = Market;

    fn deref(&self) -> &Market {
        &self.market
    }
}

/// A response, as a client sees it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) retry_after: bool,
    pub(crate) body: String,
}

impl Client {
    /// Serves the market, and gives a client of it.
    pub(crate) async fn of(framework: Framework, market: Market, policy: Policy) -> Self {
        let market = Arc::new(market);
        let (port, running) = serve(framework, Arc::clone(&market), policy).await;
        Self {
            framework,
            market,
            url: format!("http://127.0.0.1:{port}/orders"),
            http: reqwest::Client::new(),
            _running: Arc::new(running),
        }
    }

    pub(crate) async fn send(&self, key: Option<&str>, order: &Order) -> Seen {
        self.try_send(key, order).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        key: Option<&str>,
        order: &Order,
    ) -> Result<Seen, reqwest::Error> {
        let mut request = self.http.post(&self.url).json(order);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await?;
        let has = |name| response.headers().contains_key(name);
        Ok(Seen {
            status: response.status().as_u16(),
            replayed: has("idempotency-replayed"),
            retry_after: has("retry-after"),
            body: response.text().await?,
        })
    }

    /// Sends it in a task of its own, and waits until its handler waits for another, which
    /// [`meet`](Market::meet) is.
    pub(crate) async fn meeting(&self, order: &Order) -> JoinHandle<Seen> {
        let sent = self.spawn(order);
        while self.waiting.load(Ordering::SeqCst) == 0 && !sent.is_finished() {
            sleep(Duration::from_millis(5)).await;
        }
        sent
    }

    /// Sends it under the key `k`, in a task of its own.
    pub(crate) fn spawn(&self, order: &Order) -> JoinHandle<Seen> {
        let (client, order) = (self.clone(), order.clone());
        tokio::spawn(async move { client.send(Some("k"), &order).await })
    }

    /// Sends it until it is answered by a response that is kept.
    pub(crate) async fn until_created(&self, key: &str, order: &Order) -> Seen {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let seen = self.send(Some(key), order).await;
            if seen.status == 201 {
                return seen;
            }
            assert!(Instant::now() < until, "{seen:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many orders of this item there are, and how many keys are pending.
    pub(crate) async fn counts(&self, item: &str) -> (i64, i64) {
        (self.orders(item).await, self.pending().await)
    }

    /// How many orders of this item there are.
    pub(crate) async fn orders(&self, item: &str) -> i64 {
        self.count(&format!("orders WHERE item = '{item}'")).await
    }

    pub(crate) async fn pending(&self) -> i64 {
        self.count("records WHERE NOT completed").await
    }
}
