//! A service that places an order of a customer once.

use std::sync::{Arc, Mutex};

use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::{StatusCode, header, request::Parts},
    middleware::{Next, from_fn},
    response::Response,
    routing::post,
};
use idem_axum::{IdempotencyLayer, MemoryStore, Policy, Scope};

type Orders = Arc<Mutex<Vec<String>>>;

/// Who sends the request, as the authentication found.
#[derive(Clone)]
struct Customer(String);

/// Stands for your authentication: here, the token is the customer's name.
async fn authenticate(mut request: Request, next: Next) -> Result<Response, StatusCode> {
    let token = request.headers().get(header::AUTHORIZATION);
    let token = token.and_then(|token| token.to_str().ok()?.strip_prefix("Bearer "));
    let customer = Customer(token.ok_or(StatusCode::UNAUTHORIZED)?.to_owned());
    request.extensions_mut().insert(customer);
    Ok(next.run(request).await)
}

async fn place(
    State(orders): State<Orders>,
    Extension(Customer(name)): Extension<Customer>,
    Json(item): Json<String>,
) -> (StatusCode, Json<usize>) {
    let mut orders = orders.lock().expect("no holder of the lock panics");
    orders.push(format!("{item} for {name}"));
    (StatusCode::CREATED, Json(orders.len()))
}

fn app(orders: Orders) -> Router {
    // A key is a must, another payload is 422, and a duplicate of what is running is 409.
    let idempotency = IdempotencyLayer::new(MemoryStore::new())
        .policy(Policy::ietf())
        .scope(|head: &Parts| {
            head.extensions
                .get::<Customer>()
                .map(|customer| Scope::from(&customer.0))
        });
    Router::new()
        .route("/orders", post(place).route_layer(idempotency))
        // Added last, so outermost: whoever is not known never reaches the layer.
        .layer(from_fn(authenticate))
        .with_state(orders)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    axum::serve(listener, app(Orders::default())).await
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    use super::*;

    async fn order(app: &Router, customer: &str, key: Option<&str>) -> Response {
        let mut request = Request::post("/orders")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {customer}"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request
            .body(Body::from("\"milk\""))
            .expect("it is a request");
        app.clone()
            .oneshot(request)
            .await
            .expect("a router never fails")
    }

    #[tokio::test]
    async fn two_customers_with_one_key_have_an_order_each() {
        let orders = Orders::default();
        let app = app(orders.clone());
        for customer in ["heidi", "peter", "heidi"] {
            let response = order(&app, customer, Some("order-1")).await;
            assert_eq!(response.status(), StatusCode::CREATED);
        }
        assert_eq!(
            *orders.lock().unwrap(),
            ["milk for heidi", "milk for peter"]
        );
    }

    #[tokio::test]
    async fn a_request_without_a_key_is_refused() {
        let response = order(&app(Orders::default()), "heidi", None).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(
            response.headers()["idempotency-refusal"],
            "idempotency-key-missing"
        );
    }
}
