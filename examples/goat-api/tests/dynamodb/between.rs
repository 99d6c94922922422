//! A proxy before the stand-in, which sees what the program asks for, and gets in the way.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::stand_in;

/// What happens to a call instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another transaction is in its way, and it is not done.
    Conflict,
    /// It is done, and its answer is lost.
    Lost,
    /// The role may not do this; it is not done.
    Denied,
    /// It is not done, and there is never an answer.
    Hang,
    /// The table takes no more; it is not done.
    Throttled,
}

/// A running proxy; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Between {
    address: SocketAddr,
    state: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    actions: BTreeSet<String>,
    /// Each for the next call of its action.
    faults: Vec<(&'static str, Fault)>,
    always: Vec<(&'static str, Fault)>,
    /// Reads that need not see what was written before them.
    eventual: usize,
}

impl Between {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let between = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let routes = Router::new().fallback(pass).with_state(between.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        between
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Does this to the next calls of the action, one after the other.
    pub(crate) fn next(&self, action: &'static str, faults: &[Fault]) {
        let faults = faults.iter().map(|fault| (action, *fault));
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// Does this to all calls of the action from now on.
    pub(crate) fn always(&self, action: &'static str, fault: Fault) {
        self.state.lock().unwrap().always.push((action, fault));
    }

    /// Whether each fault has met its call.
    pub(crate) fn is_done(&self) -> bool {
        self.state.lock().unwrap().faults.is_empty()
    }

    /// How many reads need not see what was written before them.
    pub(crate) fn eventual(&self) -> usize {
        self.state.lock().unwrap().eventual
    }

    pub(crate) fn actions(&self) -> BTreeSet<String> {
        self.state.lock().unwrap().actions.clone()
    }

    fn see(&self, action: &str, body: &[u8]) -> Option<Fault> {
        let mut seen = self.state.lock().unwrap();
        seen.actions.insert(action.to_owned());
        let request: Value = serde_json::from_slice(body).unwrap();
        let eventual = request["ConsistentRead"] != true;
        seen.eventual += usize::from(eventual && ["GetItem", "Query"].contains(&action));
        let mut always = seen.always.iter();
        if let Some((_, fault)) = always.find(|(name, _)| *name == action) {
            return Some(*fault);
        }
        let next = seen.faults.iter().position(|(name, _)| *name == action)?;
        Some(seen.faults.remove(next).1)
    }
}

async fn pass(
    State(between): State<Between>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let target = headers["x-amz-target"].to_str().unwrap();
    let action = target.rsplit('.').next().unwrap();
    let fault = between.see(action, &body);
    match fault {
        Some(Fault::Conflict) => {
            let reasons =
                r#"[{"Code":"None"},{"Code":"TransactionConflict","Message":"in its way"}]"#;
            return refused(
                "TransactionCanceledException",
                &format!(r#","CancellationReasons":{reasons}"#),
            );
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Denied) => return refused("AccessDeniedException", ""),
        Some(Fault::Throttled) => return refused("ProvisionedThroughputExceededException", ""),
        _ => {}
    }
    let mut request = Client::new().post(stand_in::endpoint()).body(body);
    for name in [
        "authorization",
        "content-type",
        "x-amz-target",
        "x-amz-date",
    ] {
        request = request.header(name, headers[name].as_bytes());
    }
    let answer = request.send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let text = answer.text().await.unwrap();
    if fault == Some(Fault::Lost) {
        return (StatusCode::BAD_GATEWAY, String::new());
    }
    (status, text)
}

fn refused(kind: &str, more: &str) -> (StatusCode, String) {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
    let body = format!(r#"{{"__type":"{kind}","message":"planted"{more}}}"#);
    (StatusCode::BAD_REQUEST, body)
}
