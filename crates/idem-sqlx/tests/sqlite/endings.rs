//! Effect and record are one commit, as a client sees it.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::State,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use http_body_util::BodyExt;
use idem_axum::IdempotencyLayer;
use idem_core::{
    CurrentExecution, Idempotency, IdempotencyKey, IdempotencyStore, Policy, TravellingLease,
    store::{Claim, Fenced, NotKept},
};
use idem_sqlx::SqliteStore;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::ServiceExt;

use crate::file::File;

struct Market {
    file: File,
    store: SqliteStore,
    other: SqliteStore,
}

#[derive(Clone)]
struct Client {
    market: Arc<Market>,
    app: Router,
}

#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    replayed: bool,
    body: String,
}

impl Client {
    async fn start(policy: Policy) -> Self {
        let (file, other) = (File::new(), File::new());
        let store = file.store().await;
        file.run(
            "CREATE TABLE parents (id INTEGER PRIMARY KEY);
             CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL,
                parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
             CREATE TABLE once (id INTEGER PRIMARY KEY);
             INSERT INTO once VALUES (1)",
        )
        .await;
        let market = Arc::new(Market {
            store: store.clone(),
            other: other.store().await,
            file,
        });
        let layer = IdempotencyLayer::new(store).policy(policy);
        let app = Router::new()
            .route("/orders", post(order))
            .layer(layer)
            .layer(tower_http::catch_panic::CatchPanicLayer::new())
            .with_state(Arc::clone(&market));
        Self { market, app }
    }

    /// Sends SQL that the handler runs in its transaction, and what else it does.
    async fn send(&self, key: Option<&str>, order: &Value) -> Seen {
        let mut request = Request::post("/orders").header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Body::from(order.to_string())).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let replayed = response.headers().contains_key("idempotency-replayed");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Seen {
            status,
            replayed,
            body,
        }
    }

    async fn orders(&self) -> i64 {
        let asking = sqlx::query_scalar("SELECT count(*) FROM orders");
        asking.fetch_one(&self.market.file.pool).await.unwrap()
    }

    async fn pending(&self) -> i64 {
        let asking = sqlx::query_scalar("SELECT count(*) FROM idem_records WHERE NOT completed");
        asking.fetch_one(&self.market.file.pool).await.unwrap()
    }

    async fn counts(&self) -> (i64, i64) {
        (self.orders().await, self.pending().await)
    }
}

const INSERT: &str = "INSERT INTO orders (item) VALUES ('goat')";

async fn order(
    State(market): State<Arc<Market>>,
    current: Option<Extension<CurrentExecution>>,
    Json(order): Json<Value>,
) -> Response {
    match work(&market, current.as_deref(), &order).await {
        Ok(()) => {
            let status = order["status"].as_u64().unwrap_or(201).try_into().unwrap();
            let size = order["size"].as_u64().unwrap_or(1).try_into().unwrap();
            (
                StatusCode::from_u16(status).unwrap(),
                Json("x".repeat(size)),
            )
                .into_response()
        }
        Err(error) => (StatusCode::IM_A_TEAPOT, error.to_string()).into_response(),
    }
}

async fn work(
    market: &Market,
    current: Option<&CurrentExecution>,
    order: &Value,
) -> Result<(), sqlx::Error> {
    let millis = |name: &str| Duration::from_millis(order[name].as_u64().unwrap_or(0));
    sleep(millis("before")).await;
    let mut tx = market.store.begin(current).await?;
    sqlx::query(INSERT).execute(&mut *tx).await?;
    sleep(millis("within")).await;
    if let Some(sql) = order["sql"].as_str() {
        let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut *tx)
            .await;
        if order["swallow"] != true {
            ran?;
        }
    }
    match order["then"].as_str() {
        Some("drop") => drop(tx),
        Some("rollback") => tx.rollback().await?,
        Some("again") => drop(market.store.begin(current).await?),
        Some("other") => drop(market.other.begin(current).await?),
        Some("panic") => {
            tx.commit_with_response().await?;
            panic!("as it was asked");
        }
        _ => tx.commit_with_response().await?,
    }
    Ok(())
}

// S63
#[tokio::test]
async fn effect_and_record_appear_together() {
    let client = Client::start(Policy::reference()).await;
    let first = client.send(Some("k"), &json!({})).await;
    assert_eq!((first.status, first.replayed), (201, false), "{first:?}");
    let again = client.send(Some("k"), &json!({})).await;
    assert_eq!((again.status, again.replayed), (201, true), "{again:?}");
    assert_eq!(client.counts().await, (1, 0));
}

// S64
#[tokio::test]
async fn a_lease_that_was_lost_undoes_the_effect() {
    let client = Client::start(Policy::reference()).await;
    let sent = tokio::spawn({
        let client = client.clone();
        async move { client.send(Some("k"), &json!({ "before": 300 })).await }
    });
    while client.pending().await == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    client
        .market
        .file
        .run("UPDATE idem_records SET owner = x'00010203'")
        .await;
    let seen = sent.await.unwrap();
    // The owner that the test made up cannot be read.
    assert!(seen.status >= 202, "{seen:?}");
    assert_eq!(client.counts().await, (0, 1));
}

// S65
#[tokio::test]
async fn a_lease_that_ran_out_untaken_commits() {
    let policy = Policy::reference().lease(Duration::from_millis(400));
    let client = Client::start(policy).await;
    let slow = json!({ "within": 1_000 });
    let seen = client.send(Some("k"), &slow).await;
    assert_eq!(seen.status, 201, "{seen:?}");
    assert!(client.send(Some("k"), &slow).await.replayed);
    assert_eq!(client.orders().await, 1);
}

// S66
#[tokio::test]
async fn a_failure_after_the_hand_over_undoes_the_effect_and_frees_the_key() {
    let client = Client::start(Policy::reference()).await;
    for (order, status) in [
        (json!({ "status": 400 }), 400),
        (json!({ "status": 500 }), 500),
        (json!({ "then": "panic" }), 500),
        // A handler that ended it by itself leaves a connection that can be used.
        (json!({ "status": 400, "sql": "ROLLBACK" }), 400),
    ] {
        let seen = client.send(Some("k"), &order).await;
        assert_eq!(seen.status, status, "{order} {seen:?}");
        assert_eq!(client.counts().await, (0, 0), "{order}");
    }
    assert_eq!(client.send(Some("k"), &json!({})).await.status, 201);
    let client = Client::start(Policy::stripe()).await;
    let failing = json!({ "status": 500 });
    for replayed in [false, true] {
        let seen = client.send(Some("k"), &failing).await;
        assert_eq!((seen.status, seen.replayed), (500, replayed));
    }
    assert_eq!(client.counts().await, (1, 0));
}

// S68
#[tokio::test]
async fn a_deferred_constraint_is_a_failure_for_good() {
    let client = Client::start(Policy::reference()).await;
    let breaking = json!({ "sql": "INSERT INTO orders (item, parent) VALUES ('cow', 404)" });
    for _ in 0..3 {
        let seen = client.send(Some("k"), &breaking).await;
        assert_eq!((seen.status, seen.replayed), (500, false), "{seen:?}");
        assert_eq!(client.counts().await, (0, 0));
    }
    assert_eq!(client.send(Some("k"), &json!({})).await.status, 201);
}

// S70
#[tokio::test]
async fn a_transaction_that_sqlite_rolled_back_by_itself_is_a_failure_for_good() {
    let client = Client::start(Policy::reference()).await;
    let swallowing = json!({ "sql": "INSERT OR ROLLBACK INTO once VALUES (1)", "swallow": true });
    for _ in 0..5 {
        let seen = client.send(Some("k"), &swallowing).await;
        assert_eq!(seen.status, 500, "{seen:?}");
        assert_eq!(client.counts().await, (0, 0));
    }
    // Without a key, and in a handler that fails: each leaves a connection that sqlx cannot use again.
    for _ in 0..5 {
        assert_eq!(client.send(None, &swallowing).await.status, 418);
        let failing = json!({ "sql": "INSERT OR ROLLBACK INTO once VALUES (1)" });
        assert_eq!(client.send(Some("k"), &failing).await.status, 418);
        assert_eq!(client.counts().await, (0, 0));
    }
    assert_eq!(client.send(Some("k"), &json!({})).await.status, 201);
}

// S71
#[tokio::test]
async fn what_is_not_kept_commits_with_its_tombstone() {
    let client = Client::start(Policy::reference()).await;
    let large = json!({ "size": 2 * 1024 * 1024 });
    assert_eq!(client.send(Some("k"), &large).await.status, 201);
    assert_eq!(client.send(Some("k"), &large).await.status, 409);
    assert_eq!(client.counts().await, (1, 0));
}

// S72
#[tokio::test]
async fn without_a_key_it_commits_at_once() {
    let client = Client::start(Policy::reference()).await;
    let failing = json!({ "status": 500 });
    assert_eq!(client.send(None, &failing).await.status, 500);
    assert_eq!(client.orders().await, 1);
    for then in ["drop", "rollback"] {
        let seen = client.send(None, &json!({ "then": then })).await;
        assert_eq!((seen.status, client.orders().await), (201, 1), "{then}");
    }
}

// S73
#[tokio::test]
async fn what_cannot_end_the_execution_is_refused_at_once() {
    let client = Client::start(Policy::reference()).await;
    for (then, says) in [
        ("again", "has a transaction already"),
        ("other", "not the one"),
    ] {
        let begun = Instant::now();
        let seen = client.send(Some("k"), &json!({ "then": then })).await;
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "it waits for its own turn"
        );
        assert_eq!(seen.status, 418, "{seen:?}");
        assert!(seen.body.contains(says), "{seen:?}");
        assert_eq!(client.counts().await, (0, 0));
    }
}

// S77
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_transaction_is_open_duplicates_are_answered_and_fresh_claims_wait() {
    let client = Client::start(Policy::reference()).await;
    let slow = json!({ "within": 2_000 });
    let sent = tokio::spawn({
        let (client, slow) = (client.clone(), slow.clone());
        async move { client.send(Some("k"), &slow).await }
    });
    while client.pending().await == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    assert_eq!(client.send(Some("k"), &slow).await.status, 202);
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );
    let fresh = client.send(Some("fresh"), &json!({})).await;
    assert_eq!(fresh.status, 503, "{fresh:?}");
    assert_eq!(sent.await.unwrap().status, 201);
    assert_eq!(client.counts().await, (1, 0), "nothing lands later");
    assert_eq!(client.send(Some("fresh"), &json!({})).await.status, 201);
}

// S77
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_clients_wait_their_turn_without_an_error() {
    let client = Client::start(Policy::reference()).await;
    let mut sent = JoinSet::new();
    for number in 0..16 {
        let client = client.clone();
        sent.spawn(async move {
            let mut slowest = Duration::ZERO;
            for round in 0..10 {
                let begun = Instant::now();
                let key = format!("{number}-{round}");
                let seen = client.send(Some(&key), &json!({ "within": 3 })).await;
                assert_eq!(seen.status, 201, "{seen:?}");
                slowest = slowest.max(begun.elapsed());
            }
            slowest
        });
    }
    let slowest = sent.join_all().await.into_iter().max().unwrap();
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert_eq!(client.counts().await, (160, 0));
}

// S77
#[tokio::test]
async fn a_full_disk_is_an_error_and_leaves_nothing_open() {
    let client = Client::start(Policy::reference()).await;
    let large = json!({ "sql": "PRAGMA max_page_count = 1;
        INSERT INTO orders (item) VALUES (hex(randomblob(1000000)))" });
    for _ in 0..5 {
        let seen = client.send(Some("k"), &large).await;
        assert_eq!(seen.status, 418, "{seen:?}");
        assert!(seen.body.contains("full"), "{seen:?}");
        assert_eq!(client.counts().await, (0, 0));
    }
    // There is room for the order, and none for its record.
    let record = json!({ "sql": "PRAGMA max_page_count = 1", "size": 500_000 });
    for _ in 0..5 {
        let seen = client.send(Some("k"), &record).await;
        assert_eq!(seen.status, 503, "{seen:?}");
        assert_eq!(client.counts().await, (0, 0));
    }
    let room = json!({ "sql": "PRAGMA max_page_count = 1000000" });
    assert_eq!(client.send(Some("k"), &room).await.status, 201);
}

// S78
#[tokio::test]
async fn a_handler_that_ends_the_transaction_by_itself_is_noticed() {
    let client = Client::start(Policy::reference()).await;
    for sql in ["COMMIT", "COMMIT; BEGIN"] {
        let order = json!({ "sql": sql });
        let before = client.orders().await;
        assert_eq!(client.send(Some(sql), &order).await.status, 201, "{sql}");
        assert!(client.send(Some(sql), &order).await.replayed, "{sql}");
        assert_eq!(client.orders().await, before + 1, "{sql}");
    }
    for sql in ["ROLLBACK", "ROLLBACK; BEGIN"] {
        let before = client.orders().await;
        let seen = client.send(Some("k"), &json!({ "sql": sql })).await;
        assert_eq!(seen.status, 500, "{sql}: {seen:?}");
        assert_eq!(client.counts().await, (before, 0), "{sql}");
    }
    let savepoint = json!({ "sql": "SAVEPOINT open" });
    assert_eq!(client.send(Some("s"), &savepoint).await.status, 201);
    assert!(client.send(Some("s"), &savepoint).await.replayed);
}

// S79
#[tokio::test]
async fn of_two_workers_with_one_lease_one_has_its_effect() {
    let client = Client::start(Policy::reference()).await;
    let store = &client.market.store;
    let (key, lease) = (crate::file::key(), crate::file::lease(crate::file::LONG));
    assert_eq!(store.claim(&key, &lease).await.unwrap(), Claim::Owned);
    let worker = Idempotency::new(store.clone(), Policy::reference());
    let mut ended = Vec::new();
    for _ in 0..2 {
        let name = IdempotencyKey::new("k").unwrap();
        let continuation = worker.resume(TravellingLease::new(name, key, lease));
        let current = continuation.current().clone();
        work(&client.market, Some(&current), &json!({}))
            .await
            .unwrap();
        ended.push(continuation.complete(NotKept::Stream).await.unwrap());
    }
    assert_eq!(ended, [Fenced::Held, Fenced::Lost]);
    assert_eq!(client.counts().await, (1, 0));
    // A store on the same file is the same store, and another one is not.
    let same = client.market.file.store().await;
    assert_eq!(same.identity(), store.identity());
    assert_ne!(client.market.other.identity(), store.identity());
}

#[test]
fn one_that_is_dropped_outside_its_runtime_rolls_back() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let (client, begun) = first.block_on(async {
        let client = Client::start(Policy::reference()).await;
        let mut tx = client.market.store.begin(None).await.unwrap();
        sqlx::query(INSERT).execute(&mut *tx).await.unwrap();
        (client, tx)
    });
    drop(begun);
    // The turn is given back too.
    let seen = first.block_on(client.send(None, &json!({})));
    assert_eq!(seen.status, 201, "{seen:?}");
    assert_eq!(first.block_on(client.orders()), 1);
}
