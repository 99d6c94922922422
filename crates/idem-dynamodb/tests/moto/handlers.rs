//! What a client sees of a handler that works in a transaction.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck};
use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use idem_axum::IdempotencyLayer;
use idem_core::{CurrentExecution, Headers, Policy};
use idem_dynamodb::{DynamoDbStore, TransactionError};
use test_servers::DynamoDbFault as Fault;
use tower::ServiceExt;

use crate::server::{PATIENT, client, count, effect, name, proxy, store};

struct AppError(TransactionError);

impl From<TransactionError> for AppError {
    fn from(error: TransactionError) -> Self {
        Self(error)
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self.0 {
            TransactionError::ConditionFailed {
                answer: Some(answer),
                ..
            } => {
                let status = StatusCode::from_u16(answer.status()).unwrap();
                (status, answer.body().clone()).into_response()
            }
            error => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

/// Orders, unless the goat is `gone`.
async fn order(
    State(store): State<DynamoDbStore>,
    current: Option<Extension<CurrentExecution>>,
    Path((goat, order)): Path<(String, String)>,
) -> Result<(StatusCode, String), AppError> {
    let mut transaction = store.begin(current.as_deref())?;
    transaction.update(effect(&order))?;
    if goat == "gone" {
        let check = ConditionCheck::builder().table_name("market");
        let check = check.key("pk", AttributeValue::S(name()));
        let check = check.key("sk", AttributeValue::S("GOAT".to_owned()));
        let check = check.condition_expression("attribute_exists(pk)").build();
        let gone = idem_core::Response::new(409, Headers::default(), "the goat is gone".into());
        transaction.check(check.unwrap())?.or_answer(gone);
    }
    transaction.commit_with_response().await?;
    Ok((StatusCode::CREATED, order))
}

async fn market(proxy: &test_servers::DynamoDbProxy) -> Router {
    let store = store(proxy).await;
    let policy = Policy::default().store_timeout(PATIENT);
    Router::new()
        .route("/orders/{goat}/{order}", post(order))
        .layer(IdempotencyLayer::new(store.clone()).policy(policy))
        .with_state(store)
}

async fn send(market: &Router, path: &str, key: Option<&str>) -> (u16, bool) {
    let mut request = Request::post(path);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = market.clone().oneshot(request).await.unwrap();
    let replayed = response.headers().contains_key("idempotency-replayed");
    (response.status().as_u16(), replayed)
}

// S63, S67
#[tokio::test]
async fn an_order_is_placed_once_however_often_it_is_sent() {
    let proxy = proxy();
    let market = market(&proxy).await;
    let order = name();
    let path = format!("/orders/there/{order}");
    // The first answer is lost on its way to the market.
    proxy.next("TransactWriteItems", &[Fault::CutAfter]);
    assert_eq!(send(&market, &path, Some(&order)).await, (201, false));
    assert_eq!(send(&market, &path, Some(&order)).await, (201, true));
    assert_eq!(count(&client(&proxy), &order).await, 1);
}

#[tokio::test]
async fn a_condition_that_fails_answers_alike_with_and_without_a_key() {
    let proxy = proxy();
    let market = market(&proxy).await;
    let order = name();
    let path = format!("/orders/gone/{order}");
    assert_eq!(send(&market, &path, Some(&order)).await, (409, false));
    assert_eq!(send(&market, &path, None).await, (409, false));
    assert_eq!(count(&client(&proxy), &order).await, 0);
    let there = format!("/orders/there/{order}");
    assert_eq!(
        send(&market, &there, Some(&order)).await,
        (201, false),
        "the key is free"
    );
}
