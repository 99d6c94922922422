//! A server that dies at any instant: no effect twice, and none lost.

// S63, S81

use std::sync::Arc;

use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::post};
use idem_axum::IdempotencyLayer;
use idem_core::CurrentExecution;
use serde_json::{Value, json};

use crate::{
    database::Store,
    kills::{DATABASE, OUTSIDE, Sum, Trial, dawdle, extra, judge, number, policy, serve},
    orders::{Orders, store_in},
};

pub(crate) const ENTRY: &str = "killed::serves_until_it_is_killed";

#[derive(Debug)]
struct Market {
    store: Store,
    inside: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "no test by itself: the entry of the process that another test kills"]
async fn serves_until_it_is_killed() {
    let Ok(place) = std::env::var(DATABASE) else {
        return;
    };
    let store = store_in(&place).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_has_no_effect_twice_and_loses_none() {
    let orders = Orders::new().await;
    let mut trial = Trial::start(ENTRY, vec![(DATABASE, orders.place())]);
    trial.kill_servers(number("IDEM_KILLS", 8)).await;
    let answers = trial.end().await;
    let sum = judge(&answers, &orders.all().await);
    assert_eq!(sum, Sum { extra: 0, lost: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_outside_the_transaction_lets_effects_appear_twice() {
    let orders = Orders::new().await;
    let outside = (OUTSIDE, "yes".to_owned());
    let mut trial = Trial::start(ENTRY, vec![(DATABASE, orders.place()), outside]);
    // One kill in five hits between effect and record: that none in 60 does, nobody will see.
    let mut kills = 0;
    while kills < 60 && extra(&orders.all().await) == 0 {
        trial.kill_servers(4).await;
        kills += 4;
    }
    let answers = trial.end().await;
    let sum = judge(&answers, &orders.all().await);
    assert!(sum.extra > 0, "the test sees no extra effects: {sum:?}");
}
