//! A service that places orders.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};

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
    Router::new()
        .route("/orders", post(place))
        .with_state(orders)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    axum::serve(listener, app(Orders::default())).await
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request, response::Response};
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
    async fn a_retry_places_a_second_order() {
        let orders = Orders::default();
        let app = app(orders.clone());
        for _ in 0..2 {
            let response = order(&app, "order-1", "milk").await;
            assert_eq!(response.status(), StatusCode::CREATED);
        }
        assert_eq!(*orders.lock().unwrap(), ["milk", "milk"]);
    }
}
