//! A workflow over two processes: a shop takes orders over HTTP, and a worker behind a queue ships them.
//!
//! The shop's handler claims the client's key and sends the lease along in the order's message. While
//! the message is on its way, a client that sends its order again is told "in progress"; when
//! the worker has shipped, it completes the record, and the client gets the parcel.
//!
//! The queue delivers each message twice, as queues do that promise "at least once", and the worker is
//! killed in the middle. `cargo run -p idem-momento --example order_workflow` shows it all, without an
//! account: the store that both processes share is the stand-in for Momento.

#![forbid(unsafe_code)]

mod client;
mod process;
mod queue;
mod shop;
mod worker;

use std::{error::Error, fs, path::Path, time::Duration};

use client::Client;
use momento_emulator::Emulator;
use process::Process;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The order whose worker is killed.
const UNLUCKY: u32 = 3;

/// It takes some 6 seconds: a lease of the worker's, which ends after 5.
const MOST: Duration = Duration::from_secs(120);

const ORDERS: std::ops::RangeInclusive<u32> = 1..=5;

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => tokio::time::timeout(MOST, show()).await?,
        Some("shop") => shop::run().await,
        Some("worker") => worker::run().await,
        Some(other) => Err(format!("there is no part {other}: shop, worker, or none").into()),
    }
}

async fn show() -> Result<()> {
    let emulator = Emulator::start()?;
    emulator.create_cache(process::CACHE);
    let directory = tempfile::tempdir()?;
    let _shop = Process::start("shop", &emulator, directory.path())?;
    let client = Client::new(shop::address(directory.path()).await?);

    for order in ORDERS {
        println!("order {order}: {}", client.send(order).await?);
        println!("order {order} again: {}", client.send(order).await?);
    }

    let worker = Process::start_holding(UNLUCKY, &emulator, directory.path())?;
    for order in ORDERS.filter(|order| *order != UNLUCKY) {
        println!(
            "order {order} later: {}",
            client.send_until_shipped(order).await?
        );
    }
    worker::wait_until_held(directory.path(), UNLUCKY).await;
    drop(worker);
    println!("the worker was killed while it packed order {UNLUCKY}");
    println!("order {UNLUCKY} later: {}", client.send(UNLUCKY).await?);

    let _worker = Process::start("worker", &emulator, directory.path())?;
    println!(
        "order {UNLUCKY} later: {}",
        client.send_until_shipped(UNLUCKY).await?
    );
    queue::wait_until_empty(directory.path()).await?;

    let (delivered, shipped) = (
        count(directory.path(), "delivered"),
        count(directory.path(), "shipped"),
    );
    println!("5 orders, delivered {delivered} times, shipped {shipped} times");
    Ok(())
}

/// How often something happened: each time left a line in a file.
fn count(directory: &Path, what: &str) -> usize {
    let lines = fs::read_to_string(directory.join(what)).unwrap_or_default();
    lines.lines().count()
}
