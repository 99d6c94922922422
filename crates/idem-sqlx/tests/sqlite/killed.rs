//! A server that dies at any instant: no effect twice, and none lost.

// S63, S81

use std::{path::Path, sync::Arc};

use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::post};
use idem_axum::IdempotencyLayer;
use idem_core::CurrentExecution;
use idem_sqlx::SqliteStore;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;

use crate::{
    file::{File, pool},
    kills::{DATABASE, OUTSIDE, Sum, Trial, dawdle, judge, number, policy, serve},
};

const ENTRY: &str = "killed::serves_until_it_is_killed";

#[derive(Debug)]
struct Market {
    store: SqliteStore,
    inside: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "no test by itself: the entry of the process that another test kills"]
async fn serves_until_it_is_killed() {
    let Some(path) = std::env::var_os(DATABASE) else {
        return;
    };
    let options = SqliteConnectOptions::new().filename(Path::new(&path));
    let store = SqliteStore::builder(&pool(options))
        .prepare()
        .await
        .unwrap();
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
    let id = sqlx::query_scalar("INSERT INTO orders (item) VALUES (?1) RETURNING id")
        .bind(order["item"].as_str().unwrap())
        .fetch_one(&mut *tx)
        .await?;
    dawdle().await;
    tx.commit_with_response().await?;
    Ok(id)
}

async fn file() -> (File, String) {
    let file = File::new();
    drop(file.store().await);
    file.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)")
        .await;
    let path = file.folder.path().join("market.db");
    (file, path.display().to_string())
}

async fn effects(file: &File) -> Vec<(String, i64)> {
    let asking = sqlx::query_as("SELECT item, id FROM orders");
    asking.fetch_all(&file.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_has_no_effect_twice_and_loses_none() {
    let (file, path) = file().await;
    let mut trial = Trial::start(ENTRY, vec![(DATABASE, path)]);
    trial.kill_servers(number("IDEM_KILLS", 8)).await;
    let answers = trial.end().await;
    assert_eq!(
        judge(&answers, &effects(&file).await),
        Sum { extra: 0, lost: 0 }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_outside_the_transaction_lets_effects_appear_twice() {
    let (file, path) = file().await;
    let outside = (OUTSIDE, "yes".to_owned());
    let mut trial = Trial::start(ENTRY, vec![(DATABASE, path), outside]);
    let extra = "SELECT count(*) FROM (SELECT 1 FROM orders GROUP BY item HAVING count(*) > 1)";
    let mut kills = 0;
    while kills < 60
        && sqlx::query_scalar::<_, i64>(extra)
            .fetch_one(&file.pool)
            .await
            .unwrap()
            == 0
    {
        trial.kill_servers(4).await;
        kills += 4;
    }
    let answers = trial.end().await;
    let sum = judge(&answers, &effects(&file).await);
    assert!(sum.extra > 0, "the test sees no extra effects: {sum:?}");
}
