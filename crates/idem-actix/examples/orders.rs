//! A server that places an order once: `cargo run -p idem-actix --example actix_orders`, and then twice
//! `curl -i localhost:3000/orders -H 'Idempotency-Key: 1' --json '{"item": "milk"}'`

use actix_web::rt::{signal::ctrl_c, spawn};
use actix_web::web::{Data, Json, resource};
use actix_web::{App, HttpResponse, HttpServer};
use idem_actix::{IdempotencyMiddleware, MemoryStore};
use serde_json::{Value, json};
use tokio::sync::Mutex;

type Orders = Data<Mutex<Vec<Value>>>;

async fn place(orders: Orders, Json(order): Json<Value>) -> HttpResponse {
    let mut orders = orders.lock().await;
    orders.push(order);
    HttpResponse::Created().json(json!({ "id": orders.len() }))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    // Before the closure: a middleware made inside would have one store a worker.
    let idempotency = IdempotencyMiddleware::new(MemoryStore::new());
    let (orders, draining) = (Orders::default(), idempotency.clone());
    let server = HttpServer::new(move || {
        let app = App::new().app_data(orders.clone());
        app.service(resource("/orders").post(place).wrap(idempotency.clone()))
    });
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let server = server.disable_signals().bind(address)?;
    println!("listening on http://{}", server.addrs()[0]);
    let server = server.run();
    let stopping = server.handle();
    spawn(async move {
        ctrl_c().await.expect("signals can be listened for");
        // Before the workers stop: they take with them the orders whose clients hung up.
        draining.drain().await;
        stopping.stop(true).await;
    });
    server.await
}
