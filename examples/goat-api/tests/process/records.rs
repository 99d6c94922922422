//! Records in the market's own database, as they are unless told otherwise: nothing is done twice or lost.
//! `place` says which database.

// S63, S81

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Response;

use super::operator::{heidi, of, order_of, post, post_later, post_raw, scrape, until};
use super::place::Place;
use super::program::{Program, a_hundred_orders, command, goat_with_milk, list};

const EXECUTED: &str = r#"idempotency_requests_total{outcome="execute"}"#;

fn is_replayed(answer: &Response) -> bool {
    answer.headers().contains_key("idempotency-replayed")
}

#[tokio::test]
async fn what_was_answered_before_a_restart_is_replayed_after_it() {
    let place = Place::fresh().await;
    let database = place.database();
    let key = [("idempotency-key", "k")];
    let mut bodies = HashSet::new();
    for signal in ["-TERM", "-KILL", "-TERM"] {
        let program = Program::start(database);
        let answer = post(&program, "/goats", &key, &heidi()).await;
        assert_eq!(answer.status(), 201);
        assert_eq!(is_replayed(&answer), !bodies.is_empty());
        bodies.insert(answer.text().await.unwrap());
        assert_eq!(list(&program, "goats").await.len(), 1);
        program.signal(signal);
        drop(program.finish());
    }
    assert_eq!(bodies.len(), 1);
}

/// Orders again until the order is placed; gives how long that took, and the answer.
async fn until_placed(program: &Program, key: &str, order: &str) -> (Duration, Response) {
    let start = Instant::now();
    loop {
        let answer = post(program, "/orders", &[("idempotency-key", key)], order).await;
        match answer.status().as_u16() {
            201 => return (start.elapsed(), answer),
            202 => assert!(
                start.elapsed() < Duration::from_secs(60),
                "the key is still taken"
            ),
            other => panic!("{other}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn slow(database: &Path) -> Program {
    let mut command = command("127.0.0.1:0", database);
    Program::spawn(command.args(["--order-delay", "5s", "--lease", "3s"]))
}

#[tokio::test]
async fn an_order_whose_server_was_killed_is_placed_once_by_its_retry() {
    let place = Place::fresh().await;
    let database = place.database();
    let dying = slow(database);
    let goat = goat_with_milk(&dying).await;
    let order = order_of(&goat, "Milk");
    let client = post_raw(&dying, "/orders", &[("idempotency-key", "k")], &order);
    // In its midst, and renewed once or twice.
    until(&dying, EXECUTED, 1.0).await;
    until(&dying, r#"idempotency_renewals_total{result="held"}"#, 2.0).await;
    dying.signal("-KILL");
    drop((dying, client));

    let program = slow(database);
    let first = post(&program, "/orders", &[("idempotency-key", "k")], &order).await;
    assert_eq!(
        first.status(),
        202,
        "the dead server's lease still holds the key"
    );
    let (took, placed) = until_placed(&program, "k", &order).await;
    // What is left of the lease, and the order itself.
    assert!(
        took > Duration::from_secs(5) && took < Duration::from_secs(20),
        "{took:?}"
    );
    let (_, replayed) = until_placed(&program, "k", &order).await;
    assert!(is_replayed(&replayed));
    assert_eq!(placed.text().await.unwrap(), replayed.text().await.unwrap());
    assert_eq!(list(&program, "orders").await.len(), 1);
}

/// Order and record are one commit: without the record there is no order.
// S64
#[tokio::test]
async fn an_order_whose_key_somebody_else_has_by_now_is_undone() {
    let place = Place::fresh().await;
    let database = place.database();
    let mut command = command("127.0.0.1:0", database);
    let program = Program::spawn(command.args(["--order-delay", "3s"]));
    let goat = goat_with_milk(&program).await;
    let key = [("idempotency-key", "k")];
    let order = post_later(&program, "/orders", &key, &order_of(&goat, "Milk"));
    until(&program, EXECUTED, 1.0).await;
    assert_eq!(place.take_over_its_keys().await, 1);
    // What a duplicate gets.
    assert_eq!(order.await.unwrap(), 202);
    assert!(list(&program, "orders").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_concurrent_duplicates_to_two_processes_on_one_database_one_order_is_placed() {
    let place = Place::fresh().await;
    let database = place.database();
    let (one, other) = (Program::start(database), Program::start(database));
    let goat = goat_with_milk(&one).await;
    let bodies = a_hundred_orders(&[&one, &other], &goat).await;
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(list(&other, "orders").await.len(), 1);
}

#[tokio::test]
async fn its_metrics_tell_the_same_as_with_another_store() {
    let place = Place::fresh().await;
    let program = Program::start(place.database());
    let goat = goat_with_milk(&program).await;
    let key = [("idempotency-key", "k")];
    for _ in 0..3 {
        let placed = post_later(&program, "/orders", &key, &order_of(&goat, "Milk"));
        assert_eq!(placed.await.unwrap(), 201);
    }
    let cheese = order_of(&goat, "Cheese");
    let refused = post(&program, "/orders", &[("idempotency-key", "c")], &cheese).await;
    assert_eq!(refused.status(), 400);
    let series = scrape(&program).await;
    for (name, count) in [
        (EXECUTED, 2.0),
        (r#"idempotency_requests_total{outcome="replay"}"#, 2.0),
        (r#"idempotency_executions_total{end="recorded"}"#, 1.0),
        (r#"idempotency_executions_total{end="freed"}"#, 1.0),
        ("idempotency_executions_under_way", 0.0),
    ] {
        assert_eq!(series.get(name), Some(&count), "{name}");
    }
    let build = of(&series, "goat_api_build_info");
    assert!(
        build
            .keys()
            .all(|labels| labels.contains(r#"store="database""#)),
        "{build:?}"
    );
    assert!(of(&series, "idempotency_memory_store_records").is_empty());
}
