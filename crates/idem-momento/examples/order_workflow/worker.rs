//! The last step: ships what was ordered, and completes the record of the client's request.

use std::{env, future::pending, io, path::Path, time::Duration};

use bytes::Bytes;
use idem_core::{Headers, Idempotency, IdempotencyKey, Policy, Response, store::Fenced};
use serde_json::{Value, json};

use crate::{
    Result, process,
    queue::{Delivery, Message, Queue},
};

pub(crate) async fn run() -> Result<()> {
    let spool = process::spool()?;
    let queue = Queue::at(&spool);
    queue.recover()?;
    // A worker that dies blocks the step for this long, and then the next delivery takes over. Two
    // deliveries at a time wait for each other.
    let policy = Policy::reference()
        .lease(Duration::from_secs(5))
        .wait(Duration::from_secs(60), 100);
    let idempotency = Idempotency::new(process::store()?, policy);
    loop {
        for delivery in queue.receive()? {
            let idempotency = idempotency.clone();
            let spool = spool.clone();
            tokio::spawn(async move {
                let handled = handle(&idempotency, &delivery.message, &spool).await;
                if let Err(error) = end(delivery, handled) {
                    eprintln!("a message is delivered again: {error}");
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn end(delivery: Delivery, handled: Result<()>) -> Result<()> {
    if handled.is_ok() {
        return Ok(delivery.acknowledge()?);
    }
    delivery.give_back()?;
    handled
}

/// Does what a message asks for; it may come twice at a time, and again after a crash.
async fn handle(idempotency: &Idempotency, message: &Message, spool: &Path) -> Result<()> {
    let resumption = idempotency.resume(message.lease.clone());
    if resumption.renew().await? == Fenced::Lost {
        // Done already, or too late; nothing is left to do for this message.
        return Ok(());
    }
    // The lease is no lock among deliveries: this is. The key is the same in each of them.
    let key = IdempotencyKey::new(resumption.current().derived_key("ship"))?;
    let (order, directory) = (message.order.clone(), spool.to_owned());
    let ship = move || async move { ship(&order, &directory).await };
    let parcel = idempotency.run(&key, &message.order, ship).await?;

    // What the client gets whenever it sends its order again.
    let body = Bytes::from(parcel.into_value().to_string());
    let headers: Headers = [("content-type", b"application/json".as_slice())]
        .into_iter()
        .collect();
    // `Lost` would mean that the lease ran out and somebody took over, whose record stands.
    let _ = resumption
        .complete(Response::new(201, headers, body))
        .await?;
    Ok(())
}

/// What must not happen twice.
async fn ship(order: &Value, spool: &Path) -> io::Result<Value> {
    let number = order["order"].as_u64().unwrap_or_default();
    if env::var("HOLD_AT").is_ok_and(|held| held == number.to_string()) {
        process::note(spool, &held(number), "here the worker is killed")?;
        return pending().await;
    }
    process::note(spool, "shipped", &format!("order {number}"))?;
    Ok(json!({ "parcel": 1_000 + number }))
}

fn held(order: u64) -> String {
    format!("held-{order}")
}

/// Waits until a worker is in the middle of an order.
pub(crate) async fn wait_until_held(spool: &Path, order: u32) {
    process::wait_for(&spool.join(held(order.into()))).await;
}
