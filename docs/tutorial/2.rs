//! A service that places an order once, however often it is sent.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use idem_axum::{IdempotencyLayer, MemoryStore};

type Orders = Arc<Mutex<Vec<String>>>;

async fn place(
    State(orders): State<Orders>,
    Json(item): Json<String>,
) -> (StatusCode, Json<usize>) {
    let mut orders = orders.lock().expect("no holder of the lock panics");
    orders.push(item);
    (StatusCode::CREATED, Json(orders.len()))
}

fn app(orders: Orders) -> Router {
    let idempotency = IdempotencyLayer::new(MemoryStore::new());
    Router::new()
        .route("/orders", post(place))
        .layer(idempotency)
        .with_state(orders)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    axum::serve(listener, app(Orders::default())).await
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
        response::Response,
    };
    use tower::ServiceExt;

    use super::*;

    async fn order(app: &Router, key: &str, item: &str) -> Response {
        let request = Request::post("/orders")
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(format!("\"{item}\"")))
            .expect("it is a request");
        app.clone()
            .oneshot(request)
            .await
            .expect("a router never fails")
    }

    #[tokio::test]
    async fn a_retry_gets_the_first_answer_and_places_nothing() {
        let orders = Orders::default();
        let app = app(orders.clone());
        for replayed in [false, true] {
            let response = order(&app, "order-1", "milk").await;
            assert_eq!(response.status(), StatusCode::CREATED);
            assert_eq!(
                response.headers().contains_key("idempotency-replayed"),
                replayed
            );
            let body = to_bytes(response.into_body(), 1024).await.unwrap();
            assert_eq!(body, "1");
        }
        assert_eq!(*orders.lock().unwrap(), ["milk"]);
    }

    #[tokio::test]
    async fn another_order_under_the_same_key_is_refused() {
        let orders = Orders::default();
        let app = app(orders.clone());
        order(&app, "order-1", "milk").await;
        let response = order(&app, "order-1", "cheese").await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(
            response.headers()["idempotency-refusal"],
            "idempotency-key-reused"
        );
        assert_eq!(*orders.lock().unwrap(), ["milk"]);
    }
}
