//! A small server with one handler, which does as the order says: on axum and on actix.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, HttpServer, web};
use axum::{
    Extension, Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use idem_actix::IdempotencyMiddleware;
use idem_axum::IdempotencyLayer;
use idem_core::{CurrentExecution, Policy};
use idem_sqlx::{PostgresBuilder, PostgresStore, PostgresTransaction};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tokio::{net::TcpListener, time::sleep};

use crate::server::{options, pool, run, tables_of_its_own};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

pub(crate) const BOTH: [Framework; 2] = [Framework::Axum, Framework::Actix];

pub(crate) const LEVELS: [&str; 3] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
];

/// What an order asks of the handler, beside one row of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Order {
    pub(crate) item: String,
    /// What happens within the transaction, before it is handed over.
    pub(crate) within: Within,
    /// How long it works, in milliseconds.
    pub(crate) work: u64,
    /// What the handler answers afterwards.
    pub(crate) answer: Answer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Within {
    #[default]
    Nothing,
    /// A statement fails, and nobody cares.
    Swallow,
    /// The row breaks a constraint that is checked at COMMIT.
    BreakDeferred,
    /// It counts in a row that others count in too.
    Count,
    Commit,
    CommitAndBegin,
    Rollback,
    OpenSavepoint,
    ForgottenTransaction,
    OtherSearchPath,
    NotDurable,
    SecondTransaction,
    OtherStore,
    Travel,
    /// It is dropped and not handed over.
    Drop,
    /// Its connection is closed by the server.
    Terminated,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    #[default]
    Created,
    Status(u16),
    Panic,
    Large,
    Stream,
    /// An answer after some more work, in milliseconds, which renewals go on in.
    Late(u64),
}

pub(crate) struct Market {
    pub(crate) store: PostgresStore,
    pub(crate) schema: String,
    /// In tables of its own.
    other: PostgresStore,
    level: &'static str,
}

/// How a market is set up.
pub(crate) struct Setup {
    pub(crate) framework: Framework,
    pub(crate) level: &'static str,
    pub(crate) policy: Policy,
    pub(crate) pool: PgPool,
    pub(crate) store: fn(PostgresBuilder) -> PostgresBuilder,
}

impl Setup {
    pub(crate) fn new(framework: Framework, level: &'static str) -> Self {
        Self {
            framework,
            level,
            policy: Policy::reference(),
            pool: pool_of(8),
            store: |builder| builder,
        }
    }

    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    pub(crate) async fn start(self) -> Client {
        let tables = tables_of_its_own().await;
        let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
        let schema = sql.split('"').nth(1).unwrap().to_owned();
        run(&format!(
            "CREATE TABLE {schema}.parents (id bigint PRIMARY KEY);
             CREATE TABLE {schema}.counters (id bigint PRIMARY KEY, n bigint NOT NULL);
             INSERT INTO {schema}.counters VALUES (1, 0);
             CREATE TABLE {schema}.orders (id bigserial PRIMARY KEY, item text NOT NULL,
                 parent bigint REFERENCES {schema}.parents DEFERRABLE INITIALLY DEFERRED)"
        ))
        .await;
        let builder = PostgresStore::builder(&self.pool).tables(tables);
        let market = Arc::new(Market {
            store: (self.store)(builder).prepare().await.unwrap(),
            schema,
            other: crate::server::builder().await.prepare().await.unwrap(),
            level: self.level,
        });
        let (running, stopped) = tokio::sync::oneshot::channel();
        let port = match self.framework {
            Framework::Axum => serve_axum(Arc::clone(&market), self.policy).await,
            Framework::Actix => serve_actix(Arc::clone(&market), self.policy, stopped).await,
        };
        Client {
            market,
            url: format!("http://127.0.0.1:{port}/orders"),
            http: reqwest::Client::new(),
            framework: self.framework,
            _running: Arc::new(running),
        }
    }
}

pub(crate) fn pool_of(most: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .connect_lazy_with(options())
}

async fn serve_axum(market: Arc<Market>, policy: Policy) -> u16 {
    let layer = IdempotencyLayer::new(market.store.clone()).policy(policy);
    let app = Router::new()
        .route("/orders", post(on_axum))
        .layer(layer)
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .with_state(market);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

async fn on_axum(
    State(market): State<Arc<Market>>,
    current: Option<Extension<CurrentExecution>>,
    Json(order): Json<Order>,
) -> Response {
    match market.order(current.as_deref(), &order).await {
        Ok((status, body)) if order.answer == Answer::Stream => {
            let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(body.to_string())]);
            (
                StatusCode::from_u16(status).unwrap(),
                [("content-type", "text/event-stream")],
                Body::from_stream(chunks),
            )
                .into_response()
        }
        Ok((status, body)) => (StatusCode::from_u16(status).unwrap(), Json(body)).into_response(),
        Err(error) => (StatusCode::IM_A_TEAPOT, error.to_string()).into_response(),
    }
}

/// Serves in a thread of its own, which ends with the last client: its connections are needed.
async fn serve_actix(
    market: Arc<Market>,
    policy: Policy,
    stopped: tokio::sync::oneshot::Receiver<()>,
) -> u16 {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let middleware = IdempotencyMiddleware::new(market.store.clone()).policy(policy);
            let server = HttpServer::new(move || {
                actix_web::App::new()
                    .app_data(web::Data::from(Arc::clone(&market)))
                    .wrap(middleware.clone())
                    .route("/orders", web::post().to(on_actix))
            });
            let server = server
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
            send.send(server.addrs()[0].port()).unwrap();
            let server = server.run();
            let handle = server.handle();
            actix_web::rt::spawn(server);
            let _ = stopped.await;
            handle.stop(false).await;
        });
    });
    receive.await.unwrap()
}

async fn on_actix(
    market: web::Data<Market>,
    current: Option<web::ReqData<CurrentExecution>>,
    order: web::Json<Order>,
) -> HttpResponse {
    let status =
        |status| HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
    match market.order(current.as_deref(), &order).await {
        Ok((code, body)) if order.answer == Answer::Stream => {
            let chunks = [Ok::<_, std::io::Error>(web::Bytes::from(body.to_string()))];
            status(code)
                .content_type("text/event-stream")
                .streaming(futures_util::stream::iter(chunks))
        }
        Ok((code, body)) => status(code).json(body),
        Err(error) => status(418).body(error.to_string()),
    }
}

impl Market {
    async fn order(
        &self,
        current: Option<&CurrentExecution>,
        order: &Order,
    ) -> Result<(u16, Value), sqlx::Error> {
        let mut tx = self.store.begin_with(current, self.level).await?;
        let parent = (order.within == Within::BreakDeferred).then_some(404_i64);
        let sql = format!(
            "INSERT INTO {}.orders (item, parent) VALUES ($1, $2) RETURNING id",
            self.schema
        );
        let id: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(&order.item)
            .bind(parent)
            .fetch_one(&mut *tx)
            .await?;
        self.within(&mut tx, current, order.within).await?;
        sleep(Duration::from_millis(order.work)).await;
        if order.within == Within::Drop {
            drop(tx);
        } else {
            tx.commit_with_response().await?;
        }
        if order.within == Within::Travel {
            let send = async |_| Ok::<_, std::io::Error>(());
            let travelled = current.unwrap().travel(Duration::from_secs(9), send).await;
            travelled.map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
        }
        let created = json!({ "id": id, "item": order.item });
        Ok(match order.answer {
            Answer::Created | Answer::Stream => (201, created),
            Answer::Status(status) => (status, created),
            Answer::Panic => panic!("as it was asked"),
            Answer::Large => (201, json!("x".repeat(2 * 1024 * 1024))),
            Answer::Late(milliseconds) => {
                sleep(Duration::from_millis(milliseconds)).await;
                (201, created)
            }
        })
    }

    async fn within(
        &self,
        tx: &mut PostgresTransaction,
        current: Option<&CurrentExecution>,
        within: Within,
    ) -> Result<(), sqlx::Error> {
        let schema = &self.schema;
        let sql = match within {
            Within::Nothing | Within::BreakDeferred | Within::Travel | Within::Drop => {
                return Ok(());
            }
            Within::Swallow => {
                sqlx::raw_sql("SELECT 1 / 0")
                    .execute(&mut **tx)
                    .await
                    .unwrap_err();
                return Ok(());
            }
            Within::Count => format!("UPDATE {schema}.counters SET n = n + 1 WHERE id = 1"),
            Within::Commit => "COMMIT".into(),
            Within::CommitAndBegin => "COMMIT; BEGIN".into(),
            Within::Rollback => "ROLLBACK".into(),
            Within::OpenSavepoint => "SAVEPOINT open".into(),
            Within::OtherSearchPath => "SET LOCAL search_path = pg_catalog".into(),
            Within::NotDurable => "SET LOCAL synchronous_commit = off".into(),
            Within::ForgottenTransaction => {
                use sqlx::Connection;
                std::mem::forget(tx.begin().await?);
                return Ok(());
            }
            Within::SecondTransaction => {
                drop(self.store.begin(current).await?);
                return Ok(());
            }
            Within::OtherStore => {
                drop(self.other.begin(current).await?);
                return Ok(());
            }
            Within::Terminated => {
                let asking = sqlx::query_scalar("SELECT pg_backend_pid()");
                let pid: i32 = asking.fetch_one(&mut **tx).await?;
                terminate(&format!("pid = {pid}")).await;
                return Ok(());
            }
        };
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut **tx)
            .await
            .map(drop)
    }
}

/// Ends those sessions.
pub(crate) async fn terminate(whose: &str) {
    let sql =
        format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {whose}");
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&pool())
        .await
        .unwrap();
    assert!(count > 0, "nobody to terminate: {whose}");
}

/// How many sessions there are of this kind.
pub(crate) async fn sessions(whose: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE {whose}");
    let asking = sqlx::query_scalar(AssertSqlSafe(sql));
    asking.fetch_one(&pool()).await.unwrap()
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) market: Arc<Market>,
    pub(crate) framework: Framework,
    url: String,
    http: reqwest::Client,
    /// The server stops when it is dropped.
    _running: Arc<tokio::sync::oneshot::Sender<()>>,
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

    /// How many orders of this item there are.
    pub(crate) async fn orders(&self, item: &str) -> i64 {
        let schema = &self.market.schema;
        let sql = format!("SELECT count(*) FROM {schema}.orders WHERE item = $1");
        let asking = sqlx::query_scalar(AssertSqlSafe(sql)).bind(item);
        asking.fetch_one(&pool()).await.unwrap()
    }

    /// Puts another owner's lease in the place of every one that is pending, as after a takeover.
    pub(crate) async fn take_over_all(&self) {
        let schema = &self.market.schema;
        run(&format!(
            "UPDATE {schema}.\"Kept_records\" SET owner = '\\x000102030405060708090a0b0c0d0e0f'
             WHERE NOT completed"
        ))
        .await;
    }

    /// Lets every pending lease be over, though nobody takes it.
    pub(crate) async fn let_lapse(&self) {
        let schema = &self.market.schema;
        run(&format!(
            "INSERT INTO {schema}.\"Kept_renewals\" SELECT key, owner, until, now() - interval '1 s'
             FROM {schema}.\"Kept_records\" WHERE NOT completed"
        ))
        .await;
    }

    pub(crate) async fn pending(&self) -> i64 {
        let schema = &self.market.schema;
        let sql = format!("SELECT count(*) FROM {schema}.\"Kept_records\" WHERE NOT completed");
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&pool())
            .await
            .unwrap()
    }
}

pub(crate) fn order(item: &str) -> Order {
    Order {
        item: item.into(),
        ..Order::default()
    }
}
