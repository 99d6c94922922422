//! A REST API in front of the function.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokio::net::TcpListener;

use super::{Function, Invoked, event};

/// The largest request that API Gateway takes.
const LARGEST: usize = 10 * 1024 * 1024;

/// Listens on a port of its own.
pub(crate) async fn serve(function: Arc<Function>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = Router::new().fallback(proxy).with_state(function);
    tokio::spawn(async move { axum::serve(listener, gateway).await });
    address
}

async fn proxy(State(function): State<Arc<Function>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    };
    let event = event::of_request(&head, &body);
    // An invocation goes on when its client has hung up.
    let invoked = tokio::spawn(async move { function.invoke(event).await });
    match invoked.await.unwrap() {
        Invoked::Answered(answer) => event::to_response(&answer)
            .unwrap_or_else(|| message(StatusCode::BAD_GATEWAY, "Internal server error")),
        Invoked::Failed(error) => {
            eprintln!("the function failed: {error}");
            message(StatusCode::BAD_GATEWAY, "Internal server error")
        }
        Invoked::TimedOut => message(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out"),
    }
}

fn message(status: StatusCode, message: &str) -> Response<Body> {
    let body = serde_json::json!({ "message": message });
    let response = Response::builder().status(status);
    let response = response.header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}
