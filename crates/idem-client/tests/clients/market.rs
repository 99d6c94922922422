//! A market on a real port, behind a proxy that loses, delays, resets and invents by a seed.

use std::{
    collections::HashMap,
    env,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use idem_axum::{IdempotencyLayer, MemoryStore, Policy};
use idem_client::{Dialect, IdempotencyKey, IdempotentRetries, Report, RetryBudget};
use test_servers::{Fault, FaultyProxy};
use tokio::{net::TcpListener, task::JoinSet};

/// How often each order was placed.
type Orders = Arc<Mutex<HashMap<String, usize>>>;

async fn place(State(orders): State<Orders>, order: String) -> (StatusCode, String) {
    // Some are slower than their clients wait, which find them in progress then.
    if order.starts_with("slow") {
        tokio::time::sleep(PATIENCE * 2).await;
    }
    *orders.lock().unwrap().entry(order.clone()).or_default() += 1;
    (StatusCode::CREATED, format!("placed: {order}"))
}

async fn market(policy: Policy) -> (u16, Orders) {
    let orders = Orders::default();
    // Short, so that "in progress" asks for a second and no more.
    let layer =
        IdempotencyLayer::new(MemoryStore::new()).policy(policy.lease(Duration::from_secs(1)));
    let app = Router::new()
        .route("/orders", post(place))
        .layer(layer)
        .with_state(Arc::clone(&orders));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(axum::serve(listener, app).into_future());
    (port, orders)
}

/// How many orders are placed at a time.
const WORKERS: usize = 100;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_millis(250);

/// Few enough for seconds, unless `IDEM_CLIENT_OPERATIONS` asks for more.
fn operations() -> usize {
    env::var("IDEM_CLIENT_OPERATIONS").map_or(1000, |text| text.parse().expect("a number"))
}

/// A seed of one's own with `CHAOS_SEED`; it is printed, to be run again.
fn seed() -> u64 {
    let seed = env::var("CHAOS_SEED").map_or_else(
        |_| RandomState::new().hash_one("seed"),
        |text| text.parse().expect("CHAOS_SEED is a number"),
    );
    println!("CHAOS_SEED={seed}");
    seed
}

struct Run {
    orders: Orders,
    proxy: FaultyProxy,
    reports: Vec<Report>,
}

/// Places each order once, by so many clients at once, until its outcome is known.
async fn run(policy: Policy, operations: usize, seed: u64, hides_keys: bool) -> Run {
    let (port, orders) = market(policy).await;
    let proxy = FaultyProxy::to(port, seed, hides_keys).unwrap();
    let base = format!("http://127.0.0.1:{}", proxy.port());
    let client = IdempotentRetries::new()
        .server(base.parse().unwrap(), Dialect::idem())
        .attempts(40)
        .attempt_timeout(PATIENCE)
        .pauses(Duration::from_millis(1), Duration::from_millis(20))
        .budget(RetryBudget::new(1_000_000, 0.0))
        .client(reqwest::Client::builder().no_proxy())
        .unwrap();
    let url = format!("{base}/orders");
    let mut placing = JoinSet::new();
    let numbers = Arc::new(AtomicUsize::new(0));
    for _ in 0..WORKERS {
        let (client, url, numbers) = (client.clone(), url.clone(), Arc::clone(&numbers));
        placing.spawn(async move {
            let mut reports = Vec::new();
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= operations {
                    return reports;
                }
                let key = IdempotencyKey::derived(&seed.to_string(), &number.to_string());
                // Without its key, a slow one would never be answered.
                let is_slow = number % 50 == 17 && !hides_keys;
                let order = format!("{} {number}", if is_slow { "slow" } else { "quick" });
                let request = client.post(&url).with_extension(key).body(order.clone());
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), 201);
                reports.push(response.extensions().get::<Report>().unwrap().clone());
                // The known outcome is this order's.
                assert_eq!(response.text().await.unwrap(), format!("placed: {order}"));
            }
        });
    }
    let reports = placing.join_all().await.concat();
    Run {
        orders,
        proxy,
        reports,
    }
}

async fn every_operation_has_one_effect_and_one_known_outcome(policy: Policy) {
    let (seed, operations, began) = (seed(), operations(), Instant::now());
    let profile = policy.profile();
    let run = run(policy, operations, seed, false).await;
    let orders = run.orders.lock().unwrap();
    assert_eq!(orders.len(), operations);
    let twice: Vec<_> = orders.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(run.reports.len(), operations);
    let attempts: usize = run.reports.iter().map(|it| it.attempts() as usize).sum();
    let replays = run.reports.iter().filter(|it| it.is_replay()).count();
    println!(
        "{profile:?}: {operations} operations, {attempts} attempts, {replays} replays, {:?}",
        began.elapsed()
    );
    assert!(replays > operations / 10, "{replays} replays");
    check_that_everything_happened(&run.proxy);
}

fn check_that_everything_happened(proxy: &FaultyProxy) {
    let counts = proxy.counts();
    for fault in [
        Fault::DropRequest,
        Fault::DropResponse,
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::ResetWithin,
        Fault::Delay,
    ] {
        assert!(counts.contains_key(&fault), "{fault:?} never happened");
    }
    for status in [502, 503, 504] {
        let made = [Fault::AnswerInPlace(status), Fault::AnswerOver(status)];
        assert!(made.iter().any(|it| counts.contains_key(it)), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_effect_and_one_outcome_in_the_reference_profile() {
    every_operation_has_one_effect_and_one_known_outcome(Policy::reference()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_effect_and_one_outcome_in_the_ietf_profile() {
    every_operation_has_one_effect_and_one_known_outcome(Policy::ietf()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_effect_and_one_outcome_in_the_stripe_profile() {
    every_operation_has_one_effect_and_one_known_outcome(Policy::stripe()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_header_effects_double() {
    let run = run(Policy::reference(), 200, seed(), true).await;
    let effects: usize = run.orders.lock().unwrap().values().sum();
    println!("200 operations, {effects} effects");
    assert!(effects > 220, "{effects} effects of 200 operations");
}
