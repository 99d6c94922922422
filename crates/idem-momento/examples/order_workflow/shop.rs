//! The first step: takes an order over HTTP, and sends it on with its lease.

use std::{fs, path::Path, time::Duration};

use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::post};
use idem_axum::IdempotencyLayer;
use idem_core::{CurrentExecution, KeyRequirement, Policy, TravellingLease};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    Result, process,
    queue::{Message, Queue},
};

/// As long as a message may take to be done with, however often it is delivered.
const WAY: Duration = Duration::from_secs(600);

pub(crate) async fn run() -> Result<()> {
    let spool = process::spool()?;
    // Without a key there would be no lease to send.
    let policy = Policy::reference().key_requirement(KeyRequirement::Required);
    let layer = IdempotencyLayer::new(process::store()?).policy(policy);
    let app = Router::new()
        .route("/orders", post(order).layer(layer))
        .with_state(Queue::at(&spool));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    fs::write(spool.join("shop.new"), address)?;
    fs::rename(spool.join("shop.new"), spool.join("shop"))?;
    Ok(axum::serve(listener, app).await?)
}

/// Where the shop can be reached, once it can.
pub(crate) async fn address(spool: &Path) -> Result<String> {
    let path = spool.join("shop");
    process::wait_for(&path).await;
    Ok(fs::read_to_string(path)?)
}

async fn order(
    Extension(current): Extension<CurrentExecution>,
    State(queue): State<Queue>,
    Json(order): Json<Value>,
) -> std::result::Result<(StatusCode, Json<Value>), StatusCode> {
    let send = async |lease: TravellingLease| queue.send(&Message { order, lease });
    // If it cannot be sent the key is freed, and the client may try again.
    let sent = current.travel(WAY, send).await;
    sent.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    // This goes to the client and is not recorded: the worker completes.
    Ok((StatusCode::ACCEPTED, Json(json!({ "status": "accepted" }))))
}
