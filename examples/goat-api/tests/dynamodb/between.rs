//! A proxy before the stand-in, which sees what the program asks for, and gets in the way.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use reqwest::Client;
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
    denied: Vec<&'static str>,
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

    /// Denies an action from now on.
    pub(crate) fn deny(&self, action: &'static str) {
        self.state.lock().unwrap().denied.push(action);
    }

    /// Whether each fault has met its call.
    pub(crate) fn is_done(&self) -> bool {
        self.state.lock().unwrap().faults.is_empty()
    }

    pub(crate) fn actions(&self) -> BTreeSet<String> {
        self.state.lock().unwrap().actions.clone()
    }

    fn see(&self, action: &str) -> Option<Fault> {
        let mut seen = self.state.lock().unwrap();
        seen.actions.insert(action.to_owned());
        if seen.denied.contains(&action) {
            return Some(Fault::Denied);
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
    let fault = between.see(action);
    match fault {
        Some(Fault::Conflict) => {
            let reasons =
                r#"[{"Code":"None"},{"Code":"TransactionConflict","Message":"in its way"}]"#;
            return refused(
                "TransactionCanceledException",
                &format!(r#","CancellationReasons":{reasons}"#),
            );
        }
        Some(Fault::Denied) => return refused("AccessDeniedException", ""),
        Some(Fault::Throttled) => return refused("ProvisionedThroughputExceededException", ""),
        _ => {}
    }
    let mut request = Client::new().post(stand_in()).body(body);
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
