//! The market behind the layer of each framework.

use std::sync::Arc;

use actix_web::{HttpResponse, HttpServer, web};
use axum::{
    Extension, Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use idem_actix::IdempotencyMiddleware;
use idem_axum::IdempotencyLayer;
use idem_core::{CurrentExecution, Policy};
use tokio::{net::TcpListener, sync::oneshot};

use crate::market::{Answer, Market, Order};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

pub(crate) const BOTH: [Framework; 2] = [Framework::Axum, Framework::Actix];

/// A server that stops when this is dropped.
pub(crate) struct Running(#[allow(dead_code)] oneshot::Sender<()>);

pub(crate) async fn serve(
    framework: Framework,
    market: Arc<Market>,
    policy: Policy,
) -> (u16, Running) {
    let (running, stopped) = oneshot::channel();
    let port = match framework {
        Framework::Axum => serve_axum(market, policy, stopped).await,
        Framework::Actix => serve_actix(market, policy, stopped).await,
    };
    (port, Running(running))
}

async fn serve_axum(market: Arc<Market>, policy: Policy, stopped: oneshot::Receiver<()>) -> u16 {
    let layer = IdempotencyLayer::new(market.store.clone()).policy(policy);
    let app = Router::new()
        .route("/orders", post(on_axum))
        .layer(layer)
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .with_state(market);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        tokio::select! {
            served = axum::serve(listener, app) => served,
            _ = stopped => Ok(()),
        }
    });
    port
}

async fn on_axum(
    State(market): State<Arc<Market>>,
    current: Option<Extension<CurrentExecution>>,
    Json(order): Json<Order>,
) -> Response {
    match market.order(current.as_deref(), &order).await {
        Ok((status, body)) if order.answer == Answer::Stream => {
            let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(body.to_string())]);
            (
                StatusCode::from_u16(status).unwrap(),
                [("content-type", "text/event-stream")],
                Body::from_stream(chunks),
            )
                .into_response()
        }
        Ok((status, body)) => (StatusCode::from_u16(status).unwrap(), Json(body)).into_response(),
        Err(error) => (StatusCode::IM_A_TEAPOT, error.to_string()).into_response(),
    }
}

/// Serves in a thread of its own, which ends with the last client: its connections are needed.
async fn serve_actix(market: Arc<Market>, policy: Policy, stopped: oneshot::Receiver<()>) -> u16 {
    let (send, receive) = oneshot::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let middleware = IdempotencyMiddleware::new(market.store.clone()).policy(policy);
            let server = HttpServer::new(move || {
                actix_web::App::new()
                    .app_data(web::Data::from(Arc::clone(&market)))
                    .wrap(middleware.clone())
                    .route("/orders", web::post().to(on_actix))
            });
            let server = server
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
            send.send(server.addrs()[0].port()).unwrap();
            let server = server.run();
            let handle = server.handle();
            actix_web::rt::spawn(server);
            let _ = stopped.await;
            handle.stop(false).await;
        });
    });
    receive.await.unwrap()
}

async fn on_actix(
    market: web::Data<Market>,
    current: Option<web::ReqData<CurrentExecution>>,
    order: web::Json<Order>,
) -> HttpResponse {
    let status =
        |status| HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
    match market.order(current.as_deref(), &order).await {
        Ok((code, body)) if order.answer == Answer::Stream => {
            let chunks = [Ok::<_, std::io::Error>(web::Bytes::from(body.to_string()))];
            status(code)
                .content_type("text/event-stream")
                .streaming(futures_util::stream::iter(chunks))
        }
        Ok((code, body)) => status(code).json(body),
        Err(error) => status(418).body(error.to_string()),
    }
}
