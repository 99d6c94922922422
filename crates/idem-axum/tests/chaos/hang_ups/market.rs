//! The server: a handler that takes its time, and may fail, behind the layer on a real socket.

use std::{
    net::SocketAddr,
    panic,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use idem_axum::IdempotencyLayer;
use idem_core::{
    CurrentExecution, IdempotencyKey, IdempotencyStore, MemoryStore,
    store::{Claim, Fingerprint, Identity, Lease, Outcome, Record},
};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::ledger::{Ledger, Run};
use crate::seed::{Drawer, Seed, dawdle};

const EXPECTED_PANIC: &str = "a handler panics, as the test wants it to";

/// What the handlers do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failures {
    Never,
    /// One run in three: a third of these panics, the others answer 500.
    OneInThree,
}

/// How often handlers failed.
#[derive(Debug, Default)]
pub(super) struct Failed {
    pub(super) panics: AtomicU64,
    pub(super) answers: AtomicU64,
    pub(super) after_the_effect: AtomicU64,
}

#[derive(Clone, Debug)]
struct Market {
    seed: Seed,
    failures: Failures,
    ledger: Ledger,
    failed: Arc<Failed>,
}

/// The server while it runs.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) ledger: Ledger,
    pub(super) failed: Arc<Failed>,
    layer: IdempotencyLayer,
    store: MemoryStore,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(seed: Seed, failures: Failures) -> Self {
        silence_expected_panics();
        let store = MemoryStore::new();
        let layer = IdempotencyLayer::new(store.clone());
        let market = Market {
            seed,
            failures,
            ledger: Ledger::default(),
            failed: Arc::default(),
        };
        let (ledger, failed) = (market.ledger.clone(), market.failed.clone());
        let app = Router::new()
            .route("/orders", post(order))
            .layer(layer.clone())
            .with_state(market);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stopped = async move { stopped.await.unwrap() };
            let server = axum::serve(listener, app).with_graceful_shutdown(stopped);
            server.await.unwrap();
        });
        Self {
            address,
            ledger,
            failed,
            layer,
            store,
            stop,
            serving,
        }
    }

    /// Shuts down as an application should: no more requests, and then no more executions.
    pub(super) async fn stop(self) -> Stopped {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
        self.layer.drain().await;
        Stopped {
            layer: self.layer,
            store: self.store,
        }
    }
}

/// What a server leaves behind.
pub(super) struct Stopped {
    layer: IdempotencyLayer,
    store: MemoryStore,
}

impl Stopped {
    /// The body that is recorded for a key.
    pub(super) async fn recorded_body(&self, key: &str) -> Vec<u8> {
        let name = IdempotencyKey::new(key).unwrap();
        let record_key = self.layer.idempotency().record_key(None, &name);
        let nobody = Identity::new(Fingerprint::from_bytes([0; 32]));
        let probe = Lease::new(nobody, Duration::from_secs(1));
        match self.store.claim(&record_key, &probe).await.unwrap() {
            Claim::Taken(Record::Completed(completed)) => match completed.outcome() {
                Outcome::Response(response) => response.body().to_vec(),
                Outcome::NotKept(reason) => panic!("{key} is not kept: {reason:?}"),
            },
            other => panic!("{key} is not completed after the drain: {other:?}"),
        }
    }
}

/// What becomes of one run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Succeeds,
    FailsBefore,
    FailsAfter,
}

impl Fate {
    fn draw(draw: &mut StdRng, failures: Failures) -> Self {
        if failures == Failures::Never || !draw.random_ratio(1, 3) {
            Self::Succeeds
        } else if draw.random() {
            Self::FailsBefore
        } else {
            Self::FailsAfter
        }
    }
}

async fn order(
    State(market): State<Market>,
    Extension(current): Extension<CurrentExecution>,
    Json(payload): Json<Value>,
) -> Response {
    let key = current.key().as_str();
    let run = market.ledger.begin(key);
    let mut draw = market.seed.stream(Drawer::Run, run.number);
    let fate = Fate::draw(&mut draw, market.failures);
    dawdle(&mut draw).await;
    if fate == Fate::FailsBefore {
        return market.fail(run, &mut draw);
    }
    run.take_effect();
    dawdle(&mut draw).await;
    if fate == Fate::FailsAfter {
        market
            .failed
            .after_the_effect
            .fetch_add(1, Ordering::Relaxed);
        return market.fail(run, &mut draw);
    }
    let body = json!({ "key": key, "order": payload["order"], "run": run.number });
    run.succeed();
    (StatusCode::CREATED, Json(body)).into_response()
}

impl Market {
    fn fail(&self, run: Run, draw: &mut StdRng) -> Response {
        run.fail();
        if draw.random_ratio(1, 3) {
            self.failed.panics.fetch_add(1, Ordering::Relaxed);
            panic!("{EXPECTED_PANIC}");
        }
        self.failed.answers.fetch_add(1, Ordering::Relaxed);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// Keeps the expected panics out of the output, and those alone.
fn silence_expected_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let message = panic.payload().downcast_ref::<String>();
            if message.is_none_or(|message| message != EXPECTED_PANIC) {
                report(panic);
            }
        }));
    });
}
