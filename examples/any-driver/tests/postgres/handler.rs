//! A handler, and what its client sees.

use std::sync::Arc;

use any_driver::BoxError;
use axum::{
    Extension, Router, body::Body, extract::State, http::Request, http::StatusCode, routing::post,
};
use idem_axum::IdempotencyLayer;
use idem_core::CurrentExecution;
use idem_store_tests::TransactionalStore;
use tower::ServiceExt;

use crate::{
    drivers::{Driver, SeaOrm, TokioPostgres},
    effects::Effects,
};

type Market<D> = State<Arc<Effects<D>>>;

async fn order<D: Driver>(
    State(market): Market<D>,
    current: Option<Extension<CurrentExecution>>,
    item: String,
) -> Result<StatusCode, Failed> {
    let begun = market.driver.begin(&market.store, current.as_deref());
    let mut transaction = begun.await?;
    market.write(&mut transaction, &item).await;
    if item.starts_with("swallowed") {
        market.fail(&mut transaction).await;
    }
    transaction.commit_with_response().await?;
    Ok(StatusCode::CREATED)
}

struct Failed;

impl From<BoxError> for Failed {
    fn from(_: BoxError) -> Self {
        Self
    }
}

impl axum::response::IntoResponse for Failed {
    fn into_response(self) -> axum::response::Response {
        StatusCode::IM_A_TEAPOT.into_response()
    }
}

struct Seen {
    status: u16,
    replayed: bool,
    /// How many orders there are of the item.
    orders: usize,
}

async fn send<D: Driver>(market: &Arc<Effects<D>>, key: Option<&str>, item: &str) -> Seen {
    let app = Router::new()
        .route("/orders", post(order::<D>))
        .layer(IdempotencyLayer::new(market.store.clone()))
        .with_state(Arc::clone(market));
    let mut request = Request::post("/orders");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(Body::from(item.to_owned())).unwrap();
    let response = app.oneshot(request).await.unwrap();
    Seen {
        status: response.status().as_u16(),
        replayed: response.headers().contains_key("idempotency-replayed"),
        orders: market.count(item).await,
    }
}

async fn an_order_is_placed_once<D: Driver>() {
    let market = Arc::new(Effects::<D>::new().await);
    let item = format!("goat-{:016x}", rand::random::<u64>());
    for replayed in [false, true] {
        let seen = send(&market, Some(&item), &item).await;
        assert_eq!(
            (seen.status, seen.replayed, seen.orders),
            (201, replayed, 1)
        );
    }
    // Without a key there is nothing that makes it once.
    for orders in [2, 3] {
        let seen = send(&market, None, &item).await;
        assert_eq!(
            (seen.status, seen.replayed, seen.orders),
            (201, false, orders)
        );
    }
}

async fn a_statement_whose_failure_was_swallowed_is_told<D: Driver>() {
    let market = Arc::new(Effects::<D>::new().await);
    let item = format!("swallowed-{:016x}", rand::random::<u64>());
    let seen = send(&market, Some(&item), &item).await;
    assert_eq!((seen.status, seen.orders), (500, 0));
    let seen = send(&market, None, &item).await;
    assert_eq!((seen.status, seen.orders), (418, 0));
}

mod tokio_postgres {
    use super::TokioPostgres as Driver;

    // S63, S72
    #[tokio::test]
    async fn an_order_is_placed_once() {
        super::an_order_is_placed_once::<Driver>().await;
    }

    // S70
    #[tokio::test]
    async fn a_statement_whose_failure_was_swallowed_is_told() {
        super::a_statement_whose_failure_was_swallowed_is_told::<Driver>().await;
    }
}

mod sea_orm {
    use super::SeaOrm as Driver;

    // S63, S72
    #[tokio::test]
    async fn an_order_is_placed_once() {
        super::an_order_is_placed_once::<Driver>().await;
    }

    // S70
    #[tokio::test]
    async fn a_statement_whose_failure_was_swallowed_is_told() {
        super::a_statement_whose_failure_was_swallowed_is_told::<Driver>().await;
    }
}
