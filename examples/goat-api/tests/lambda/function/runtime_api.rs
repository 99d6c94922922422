//! The API at which an instance asks for its next invocation, and posts what came of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use super::Settings;
use super::instance::signal;

pub(super) struct RuntimeApi {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

#[derive(Default)]
struct Shared {
    process: OnceLock<u32>,
    next: Mutex<Option<Next>>,
    there_is_one: Notify,
    /// Who waits for the end of the invocation that runs.
    running: Mutex<Option<oneshot::Sender<Ended>>>,
}

/// An invocation that no instance has asked for yet.
struct Next {
    event: Value,
    timeout: Duration,
    told_deadline: Option<u64>,
    taken: oneshot::Sender<SystemTime>,
    ended: oneshot::Sender<Ended>,
}

/// An invocation, for who waits for it.
pub(super) struct Invocation {
    /// It was asked for, and has to end then.
    pub(super) taken: oneshot::Receiver<SystemTime>,
    pub(super) ended: oneshot::Receiver<Ended>,
}

#[derive(Debug)]
pub(super) enum Ended {
    Answered(Value),
    Failed(String),
}

type Api = State<Arc<Shared>>;

impl RuntimeApi {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let api = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            // As Lambda has it for an answer.
            .layer(DefaultBodyLimit::max(6 * 1024 * 1024))
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, api).await });
        Self {
            address,
            shared,
            serving: serving.abort_handle(),
        }
    }

    pub(super) fn set_process(&self, process: u32) {
        self.shared
            .process
            .set(process)
            .expect("it has one process");
    }

    pub(super) fn hand_over(&self, event: Value, settings: &Settings) -> Invocation {
        let (taken, when_taken) = oneshot::channel();
        let (ended, when_ended) = oneshot::channel();
        *self.shared.next.lock().unwrap() = Some(Next {
            event,
            timeout: settings.timeout,
            told_deadline: settings.told_deadline,
            taken,
            ended,
        });
        self.shared.there_is_one.notify_one();
        Invocation {
            taken: when_taken,
            ended: when_ended,
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next(State(shared): Api) -> Response {
    let next = loop {
        let next = shared.next.lock().unwrap().take();
        match next {
            Some(next) => break next,
            None => shared.there_is_one.notified().await,
        }
    };
    let deadline = SystemTime::now() + next.timeout;
    let epoch = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let told = next.told_deadline.map_or(epoch, u128::from);
    *shared.running.lock().unwrap() = Some(next.ended);
    // Whoever handed it over waits for that.
    next.taken.send(deadline).expect("somebody waits");
    let headers = [
        (
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(),
        ),
        ("lambda-runtime-deadline-ms", told.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:goat-market".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1".to_owned(),
        ),
    ];
    (headers, next.event.to_string()).into_response()
}

async fn response(State(shared): Api, body: Bytes) -> StatusCode {
    let answer = serde_json::from_slice(&body).expect("an answer is JSON");
    shared.end(Ended::Answered(answer))
}

async fn error(State(shared): Api, body: String) -> StatusCode {
    shared.end(Ended::Failed(body))
}

impl Shared {
    /// Freezes the instance before anybody learns of its answer: whatever it has left to do then
    /// is not done.
    fn end(&self, ended: Ended) -> StatusCode {
        let running = self.running.lock().unwrap().take();
        if let (Some(running), Some(process)) = (running, self.process.get()) {
            signal(*process, "-STOP");
            // Nobody waits any more if it was too late.
            let _ = running.send(ended);
        }
        StatusCode::ACCEPTED
    }
}
