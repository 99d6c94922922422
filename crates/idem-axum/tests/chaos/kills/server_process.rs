//! The server that is killed: this test binary once more, as a process of its own.

use std::{
    env,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use idem_axum::IdempotencyLayer;
use idem_core::{CurrentExecution, Policy};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::{LEASE, remote_store::RemoteStore};
use crate::seed::{Drawer, Seed, dawdle};

/// Where the store listens; only whoever starts the server sets it.
const STORE: &str = "CHAOS_STORE";
/// Which process it is, counted from 0.
const PROCESS: &str = "CHAOS_PROCESS";
const ENTRY: &str = "kills::server_process::serves_until_it_is_killed";

/// Starts a server that keeps its records in the store at this port.
pub(super) fn start(store: u16, process: usize, seed: Seed) -> Child {
    let (variable, value) = seed.variable();
    Command::new(env::current_exe().unwrap())
        .args([ENTRY, "--exact", "--ignored", "--nocapture"])
        .env(STORE, store.to_string())
        .env(PROCESS, process.to_string())
        .env(variable, value)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[derive(Clone, Debug)]
struct Market {
    store: RemoteStore,
    seed: Seed,
    runs: Arc<AtomicU64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "no test by itself: the entry of the process that another test kills"]
async fn serves_until_it_is_killed() {
    let Ok(store) = env::var(STORE) else {
        return;
    };
    let process: u64 = env::var(PROCESS).unwrap().parse().unwrap();
    let store: u16 = store.parse().unwrap();
    let store = TcpStream::connect(("127.0.0.1", store)).await.unwrap();
    store.set_nodelay(true).unwrap();
    let store = RemoteStore::new(store);
    let market = Market {
        store: store.clone(),
        seed: Seed::choose("server process"),
        // Runs have numbers of their own in each process.
        runs: Arc::new(AtomicU64::new(process << 32)),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app(market)).await });
    store.serving(port).await;
    // Nobody kills it if the test itself fails.
    store.closed().await;
}

fn app(market: Market) -> Router {
    let policy = Policy::reference().lease(LEASE);
    let layer = IdempotencyLayer::new(market.store.clone()).policy(policy);
    Router::new()
        .route("/orders", post(order))
        .layer(layer)
        .with_state(market)
}

async fn order(
    State(market): State<Market>,
    Extension(current): Extension<CurrentExecution>,
    Json(payload): Json<Value>,
) -> Response {
    let key = current.key().as_str();
    let run = market.runs.fetch_add(1, Ordering::Relaxed);
    let mut draw = market.seed.stream(Drawer::Run, run);
    dawdle(&mut draw).await;
    market.store.effect(key, run).await;
    dawdle(&mut draw).await;
    let body = json!({ "key": key, "order": payload["order"], "run": run });
    (StatusCode::CREATED, Json(body)).into_response()
}
