//! A server that places an order once: `cargo run -p idem-axum --example orders`, and then twice
//! `curl -i localhost:3000/orders -H 'Idempotency-Key: 1' --json '{"item": "milk"}'`

use std::sync::Arc;

use axum::response::IntoResponse;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use idem_axum::{IdempotencyLayer, MemoryStore};
use serde_json::{Value, json};
use tokio::{net::TcpListener, signal::ctrl_c, sync::Mutex};

type Orders = Arc<Mutex<Vec<Value>>>;

async fn place(State(orders): State<Orders>, Json(order): Json<Value>) -> impl IntoResponse {
    let mut orders = orders.lock().await;
    orders.push(order);
    (StatusCode::CREATED, Json(json!({ "id": orders.len() })))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let idempotency = IdempotencyLayer::new(MemoryStore::new());
    let app = Router::new()
        .route("/orders", post(place))
        .layer(idempotency.clone())
        .with_state(Orders::default());
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { ctrl_c().await.expect("signals can be listened for") };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    // Orders whose clients hung up are still being placed.
    idempotency.drain().await;
    Ok(())
}
