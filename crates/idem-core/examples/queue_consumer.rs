//! A queue that delivers each message twice, and a consumer whose effects come once.
//!
//! Most queues promise "at least once": after a hiccup a message comes again, to the same consumer
//! or to another. `cargo run -p idem-core --example queue_consumer`

#![forbid(unsafe_code)]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{Done, Idempotency, IdempotencyKey, MemoryStore, Policy, Refusal, RunError};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Clone, Debug, Serialize)]
struct Message {
    id: String,
    order: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Parcel {
    number: u32,
}

/// What must not happen twice.
#[derive(Clone, Debug, Default)]
struct Warehouse {
    shipped: Arc<AtomicUsize>,
}

impl Warehouse {
    async fn ship(self, message: Message) -> Result<Parcel, std::io::Error> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.shipped.fetch_add(1, Ordering::SeqCst);
        Ok(Parcel {
            number: 1_000 + message.order,
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let warehouse = Warehouse::default();
    // A consumer may wait for the original: its message is acknowledged with the result.
    let policy = Policy::default().wait(Duration::from_secs(5), 100);
    let idempotency = Idempotency::new(MemoryStore::new(), policy);

    let (queue, mut deliveries) = mpsc::channel(16);
    tokio::spawn(deliver_each_message_twice(queue));
    let mut consumers = Vec::new();
    while let Some(message) = deliveries.recv().await {
        let consumer = consume(idempotency.clone(), warehouse.clone(), message);
        consumers.push(tokio::spawn(consumer));
    }
    for consumer in consumers {
        consumer.await??;
    }
    let shipped = warehouse.shipped.load(Ordering::SeqCst);
    println!("10 messages, delivered 20 times, shipped {shipped} times");
    Ok(())
}

async fn deliver_each_message_twice(queue: mpsc::Sender<Message>) {
    for order in (1..=10).chain(1..=10) {
        let id = format!("message-{order}");
        // The receiver is there until all senders are gone.
        let _ = queue.send(Message { id, order }).await;
    }
}

async fn consume(
    idempotency: Idempotency,
    warehouse: Warehouse,
    message: Message,
) -> Result<(), RunError<std::io::Error>> {
    let Ok(key) = IdempotencyKey::new(message.id.clone()) else {
        println!("a message without an id goes to the dead letters");
        return Ok(());
    };
    let order = message.order;
    let again = message.clone();
    match idempotency
        .run(&key, &message, || warehouse.ship(again))
        .await
    {
        Ok(Done::Executed(parcel)) => println!("order {order}: shipped as {}", parcel.number),
        Ok(Done::Replayed(parcel)) => println!("order {order}: was shipped as {}", parcel.number),
        Err(RunError::Refused(Refusal::InProgress { .. })) => {
            println!("order {order}: another consumer is at it; the queue will deliver it again");
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
