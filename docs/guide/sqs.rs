//! A Lambda function for a queue of SQS: each order is shipped once, and what failed is delivered again.

use std::time::Duration;

use idem_core::{Idempotency, IdempotencyKey, LeaseTerm, RunError};
use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    body: String,
}

/// SQS delivers these again and deletes the others, if the event source has `ReportBatchItemFailures`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

#[derive(Deserialize, Serialize)]
struct Order {
    id: String,
    item: String,
}

/// For clocks that differ, and for a kill that takes its time.
const MARGIN: Duration = Duration::from_secs(5);

pub async fn handle(idempotency: &Idempotency, event: LambdaEvent<Batch>) -> BatchResponse {
    // Lambda kills this invocation at its deadline, and nothing renews a lease here after that.
    let lease = LeaseTerm::until(event.context.deadline(), MARGIN);
    let idempotency = idempotency.with_lease(lease);
    let mut response = BatchResponse::default();
    for message in event.payload.messages {
        if let Err(error) = ship_once(&idempotency, &message.body).await {
            eprintln!("message {}: {error}", message.message_id);
            let item_identifier = message.message_id;
            response
                .batch_item_failures
                .push(Failure { item_identifier });
        }
    }
    response
}

async fn ship_once(idempotency: &Idempotency, body: &str) -> Result<String, Error> {
    let order: Order = serde_json::from_str(body)?;
    // The order's id, and not the message's: a producer that sends twice makes two messages of one order.
    let key = IdempotencyKey::new(format!("ship/{}", order.id))?;
    let item = order.item.clone();
    let shipped = idempotency.run(&key, &order, move || ship(item)).await;
    // One that is in progress elsewhere is an error too: if that fails, a later delivery does it.
    Ok(shipped.map_err(RunError::boxed)?.into_value())
}

async fn ship(item: String) -> Result<String, Error> {
    match item.as_str() {
        "chess" => Err("out of stock".into()),
        _ => Ok(format!("a parcel with {item}")),
    }
}
