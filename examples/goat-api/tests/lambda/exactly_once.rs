//! What becomes of orders when instances are killed or frozen at any instant, with the record in the order's own
//! transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::customer::Customer;
use crate::market::{Market, Options};

/// How often an instance is killed, unless `LAMBDA_KILLS` says otherwise.
const KILLS: usize = 12;

const CLIENTS: u64 = 6;

/// How many keys a client waits for at once.
const MOST_ASIDE: usize = 6;

/// Longer than an order takes that nobody disturbs.
const A_MOMENT: Duration = Duration::from_millis(400);

/// Longer than any number of kills takes one key.
const PATIENCE: Duration = Duration::from_secs(120);

async fn goat_with_milk(market: &Market) -> String {
    let goat = market.goat("Heidi").await;
    market.offer(&goat, "Milk", "1.50").await;
    goat
}

fn order(goat: &str, quantity: u64) -> String {
    json!({"items": [{"goatId": goat, "catalogItem": "Milk", "quantity": quantity}]}).to_string()
}

/// Orders one quantity after the other, each under its key until there is an id for it. What takes longer, because its
/// function was killed, is seen to aside.
async fn buy(base: String, goat: String, client: u64, over: Arc<AtomicBool>) -> Vec<(u64, String)> {
    let customer = Arc::new(Customer::of(base));
    let (mut aside, mut answered) = (JoinSet::new(), Vec::new());
    for number in 1.. {
        let quantity = client * 10_000 + number;
        let mut placing = Box::pin(place(Arc::clone(&customer), goat.clone(), quantity));
        match timeout(A_MOMENT, &mut placing).await {
            Ok(placed) => answered.push(placed),
            Err(_) => _ = aside.spawn(placing),
        }
        while aside.len() >= MOST_ASIDE {
            answered.push(aside.join_next().await.unwrap().unwrap());
        }
        if over.load(Ordering::SeqCst) {
            break;
        }
    }
    answered.extend(aside.join_all().await);
    answered
}

async fn place(customer: Arc<Customer>, goat: String, quantity: u64) -> (u64, String) {
    let (key, order) = (format!("key-{quantity}"), order(&goat, quantity));
    let placing = async {
        loop {
            let answer = customer.post_with_key("/orders", &key, &order).await;
            match answer.status {
                201 => break answer.id(),
                202 => sleep(Duration::from_secs(1)).await,
                502..=504 => sleep(Duration::from_millis(20)).await,
                other => panic!("{other}: {}", answer.body),
            }
        }
    };
    let id = timeout(PATIENCE, placing).await;
    (quantity, id.expect("each key gets its answer"))
}

// S81
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn killed_at_any_instant_nothing_is_ordered_twice_and_nothing_is_lost() {
    let kills = std::env::var("LAMBDA_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let market = Market::start(Options {
        // A key is blocked until the deadline of whoever was killed.
        timeout: Duration::from_secs(2),
        flags: vec!["--lease-margin", "0s"],
        ..Options::default()
    })
    .await;
    let goat = goat_with_milk(&market).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (base, goat) = (market.base.clone(), goat.clone());
        clients.spawn(buy(base, goat, client, Arc::clone(&over)));
    }
    let mut killed = 0;
    while killed < kills {
        sleep(Duration::from_millis(rand::rng().random_range(30..450))).await;
        killed += usize::from(market.function.kill_one(rand::rng().random_range(0..1_000)));
        if let Some(ended) = clients.try_join_next() {
            panic!("a client ended early: {ended:?}");
        }
    }
    over.store(true, Ordering::SeqCst);
    let answered: Vec<_> = clients.join_all().await.into_iter().flatten().collect();

    let mut placed = HashMap::<u64, Vec<String>>::new();
    for order in market.list("/orders").await {
        let quantity = order["items"][0]["quantity"].as_u64().unwrap();
        let id = order["id"].as_str().unwrap().to_owned();
        placed.entry(quantity).or_default().push(id);
    }
    let extra = placed.values().filter(|ids| ids.len() > 1).count();
    let is_there =
        |(quantity, id): &&(u64, String)| placed.get(quantity).is_some_and(|ids| ids.contains(id));
    let lost = answered.len() - answered.iter().filter(is_there).count();
    println!(
        "{killed} kills, {} keys, {extra} extra, {lost} lost",
        answered.len()
    );
    assert_eq!((extra, lost), (0, 0));
    assert_eq!(placed.len(), answered.len());
}

// S64
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_function_frozen_past_its_lease_and_woken_orders_nothing_and_gives_the_others_answer() {
    let market = Market::start(Options {
        // The one that emulators send: the lease is the policy's.
        told_deadline: Some(600_000),
        flags: vec!["--lease", "3s"],
        of_the_first: vec!["--order-delay", "2s"],
        ..Options::default()
    })
    .await;
    let order = order(&goat_with_milk(&market).await, 2);
    let claims = market.claims();
    let first = async { market.post_with_key("/orders", "k", &order).await };
    let second = async {
        while market.claims() == claims {
            sleep(Duration::from_millis(5)).await;
        }
        // An answer from another instance comes after the first one's claim was answered.
        let duplicate = market.post_with_key("/orders", "k", &order).await;
        assert_eq!(duplicate.status, 202, "{}", duplicate.body);
        assert_eq!(market.function.signal_running("-STOP"), 1);
        let placed = loop {
            let answer = market.post_with_key("/orders", "k", &order).await;
            match answer.status {
                202 => sleep(Duration::from_millis(50)).await,
                _ => break answer,
            }
        };
        market.function.signal_running("-CONT");
        placed
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(second.status, 201, "{}", second.body);
    assert!(!second.headers.contains_key("idempotency-replayed"));
    assert_eq!((first.status, &first.body), (201, &second.body));
    assert_eq!(first.headers["idempotency-replayed"], "true");
    let orders: Vec<Value> = market.list("/orders").await;
    assert_eq!(orders.len(), 1);
}
