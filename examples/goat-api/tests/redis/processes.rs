//! Two markets that share a Redis.

use std::path::Path;
use std::process::Command;

use test_servers::Redis;

use super::operator::{heidi, post};
use super::program::{Program, a_hundred_orders, command, goat_with_milk, list};

fn on_redis(url: &str, database: &Path) -> Command {
    let mut command = command("127.0.0.1:0", database);
    command
        .args(["--store", "redis"])
        .env("GOAT_REDIS_URL", url);
    command
}

// S86
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_concurrent_duplicates_to_two_processes_one_order_is_placed() {
    let server = Redis::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let start = || Program::spawn(&mut on_redis(&server.url(), &database));
    let (one, other) = (start(), start());
    let goat = goat_with_milk(&one).await;
    let bodies = a_hundred_orders(&[&one, &other], &goat).await;
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(list(&other, "orders").await.len(), 1);
}

#[tokio::test]
async fn what_one_process_answered_another_replays() {
    let server = Redis::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    // A database of Redis' own other than the first.
    let url = format!("{}/3", server.url());
    let key = [("idempotency-key", "k")];
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let program = Program::spawn(&mut on_redis(&url, &database));
        let answer = post(&program, "/goats", &key, &heidi()).await;
        assert_eq!(answer.status(), 201);
        let replayed = answer.headers().contains_key("idempotency-replayed");
        assert_eq!(replayed, !bodies.is_empty());
        bodies.push(answer.text().await.unwrap());
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(server.command(&["DBSIZE"]).unwrap(), "0");
}
