//! Two servers, each a process of its own, and clients that send one request to both a hundred times at once.
//!
//! A server is this test binary once more.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use idem_axum::IdempotencyLayer;
use idem_redis::RedisStore;
use redis::AsyncTypedCommands;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

use crate::server::{CLUSTER, REDIS, VALKEY};

/// Tells a server where its records are. Only the process that starts it sets this.
const RECORDS: &str = "IDEM_RECORDS";
/// Says to a server where its effects are counted.
const EFFECTS: &str = "IDEM_EFFECTS";

const CLIENTS: usize = 100;

#[tokio::test]
#[ignore = "a server, for the other tests"]
async fn serves() {
    let (Ok(records), Ok(effects)) = (std::env::var(RECORDS), std::env::var(EFFECTS)) else {
        return;
    };
    std::thread::spawn(|| {
        drop(std::io::stdin().read(&mut [0]));
        std::process::exit(0);
    });
    let urls: Vec<_> = records.split(' ').collect();
    let builder = match *urls {
        [url] => RedisStore::builder(url),
        _ => RedisStore::cluster(urls),
    };
    let store = builder.connect().await.unwrap();
    let effects = redis::Client::open(effects).unwrap();
    let app = Router::new()
        .route("/orders", post(order))
        .with_state(effects)
        .layer(IdempotencyLayer::new(store));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Without a line of its own, it would stand behind the harness' words.
    println!("\nport {}", listener.local_addr().unwrap().port());
    axum::serve(listener, app).await.unwrap();
}

/// Counts itself, and takes long enough for all to come meanwhile.
async fn order(State(effects): State<redis::Client>, name: String) -> (StatusCode, String) {
    let mut effects = effects.get_multiplexed_async_connection().await.unwrap();
    let number = effects.incr(&name, 1).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    (StatusCode::CREATED, format!("{name}, {number}"))
}

struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(records: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::serves", "--ignored", "--nocapture"])
            .env(RECORDS, records)
            .env(EFFECTS, REDIS.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| line.ok()?.strip_prefix("port ")?.parse().ok());
        let port = port.expect("it serves");
        // The harness says after a minute that the test still runs, and would panic if nobody read that.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Sends it until it is answered; the answer, and whether it is a replay.
async fn send(http: reqwest::Client, port: u16, name: String) -> (String, bool) {
    let url = format!("http://127.0.0.1:{port}/orders");
    loop {
        let sent = http.post(&url).header("idempotency-key", &name);
        let response = sent.body(name.clone()).send().await.unwrap();
        if response.status().as_u16() == StatusCode::CREATED.as_u16() {
            let replayed = response.headers().contains_key("idempotency-replayed");
            return (response.text().await.unwrap(), replayed);
        }
        assert_eq!(response.status().as_u16(), StatusCode::ACCEPTED.as_u16());
        sleep(Duration::from_millis(20)).await;
    }
}

async fn runs_once(records: &str, kind: &str) {
    let servers = [Server::start(records), Server::start(records)];
    let http = reqwest::Client::new();
    for round in 0..5 {
        let name = format!("{kind}-{round}");
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let port = servers[client % servers.len()].port;
            clients.spawn(send(http.clone(), port, name.clone()));
        }
        let answers = clients.join_all().await;
        let expected = format!("{name}, 1");
        assert!(
            answers.iter().all(|(body, _)| *body == expected),
            "{answers:?}"
        );
        let fresh = answers.iter().filter(|(_, replayed)| !replayed);
        assert_eq!(fresh.count(), 1, "one got the original");
    }
    let effects = REDIS.command(&["GET", &format!("{kind}-4")]).unwrap();
    assert_eq!(effects, "1");
}

// S86
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_duplicates_on_two_servers_one_runs() {
    runs_once(&REDIS.url(), "redis").await;
    runs_once(&VALKEY.url(), "valkey").await;
}

// S86
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_duplicates_on_two_servers_and_a_cluster_one_runs() {
    runs_once(&CLUSTER.urls().join(" "), "cluster").await;
}
