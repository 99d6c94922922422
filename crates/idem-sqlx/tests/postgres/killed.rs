//! A server and a database that die at any instant: no effect twice, and none lost.

// S63, S81

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::post};
use idem_axum::IdempotencyLayer;
use idem_core::CurrentExecution;
use idem_sqlx::PostgresStore;
use rand::RngExt;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use test_servers::Postgres;
use tokio::time::sleep;

use crate::kills::{DATABASE, OUTSIDE, Sum, Trial, dawdle, judge, number, policy, serve};

const ENTRY: &str = "killed::serves_until_it_is_killed";

#[derive(Debug)]
struct Market {
    store: PostgresStore,
    inside: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "no test by itself: the entry of the process that another test kills"]
async fn serves_until_it_is_killed() {
    let Ok(url) = std::env::var(DATABASE) else {
        return;
    };
    let pool = PgPoolOptions::new()
        .acquire_timeout(Duration::from_secs(1))
        .connect_lazy(&url)
        .unwrap();
    let store = PostgresStore::builder(&pool).prepare().await.unwrap();
    let market = Market {
        store: store.clone(),
        inside: std::env::var(OUTSIDE).is_err(),
    };
    let app = Router::new()
        .route("/orders", post(order))
        .layer(IdempotencyLayer::new(store).policy(policy()))
        .with_state(Arc::new(market));
    serve(app).await;
}

async fn order(
    State(market): State<Arc<Market>>,
    Extension(current): Extension<CurrentExecution>,
    Json(order): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let id = work(&market, &current, &order).await;
    let id = id.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    dawdle().await;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

async fn work(
    market: &Market,
    current: &CurrentExecution,
    order: &Value,
) -> Result<i64, sqlx::Error> {
    let mut tx = market.store.begin(market.inside.then_some(current)).await?;
    dawdle().await;
    let id = sqlx::query_scalar("INSERT INTO orders (item) VALUES ($1) RETURNING id")
        .bind(order["item"].as_str().unwrap())
        .fetch_one(&mut *tx)
        .await?;
    dawdle().await;
    tx.commit_with_response().await?;
    Ok(id)
}

/// A database that no other test uses.
async fn database() -> (Postgres, String) {
    let server = tokio::task::spawn_blocking(|| Postgres::start().unwrap())
        .await
        .unwrap();
    let url = server.url("postgres");
    let sql = "CREATE TABLE orders (id bigserial PRIMARY KEY, item text NOT NULL)";
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    // The server's process would otherwise create them, and may be killed meanwhile.
    drop(PostgresStore::builder(&pool).prepare().await.unwrap());
    (server, url)
}

async fn effects(url: &str) -> Vec<(String, i64)> {
    let pool = PgPool::connect(url).await.unwrap();
    let asking = sqlx::query_as("SELECT item, id FROM orders");
    asking.fetch_all(&pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_has_no_effect_twice_and_loses_none() {
    let (_server, url) = database().await;
    let mut trial = Trial::start(ENTRY, vec![(DATABASE, url.clone())]);
    trial.kill_servers(number("IDEM_KILLS", 8)).await;
    let answers = trial.end().await;
    assert_eq!(
        judge(&answers, &effects(&url).await),
        Sum { extra: 0, lost: 0 }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_outside_the_transaction_lets_effects_appear_twice() {
    let (_server, url) = database().await;
    let outside = (OUTSIDE, "yes".to_owned());
    let mut trial = Trial::start(ENTRY, vec![(DATABASE, url.clone()), outside]);
    // One kill in five hits between effect and record: that none in 60 does, nobody will see.
    let mut kills = 0;
    while kills < 60 && !has_extra(&url).await {
        trial.kill_servers(4).await;
        kills += 4;
    }
    let answers = trial.end().await;
    let sum = judge(&answers, &effects(&url).await);
    assert!(sum.extra > 0, "the test sees no extra effects: {sum:?}");
}

async fn has_extra(url: &str) -> bool {
    let pool = PgPool::connect(url).await.unwrap();
    let sql = "SELECT EXISTS (SELECT FROM orders GROUP BY item HAVING count(*) > 1)";
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_has_no_effect_twice_and_loses_none() {
    let (server, url) = database().await;
    let server = Arc::new(server);
    let trial = Trial::start(ENTRY, vec![(DATABASE, url.clone())]);
    for _ in 0..number("IDEM_CRASHES", 3) {
        let pause = rand::rng().random_range(200..600);
        sleep(Duration::from_millis(pause)).await;
        let server = Arc::clone(&server);
        let crash = move || {
            server.stop_immediately().unwrap();
            server.start_again().unwrap();
        };
        tokio::task::spawn_blocking(crash).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    let answers = trial.end().await;
    assert_eq!(
        judge(&answers, &effects(&url).await),
        Sum { extra: 0, lost: 0 }
    );
}
