//! A request as operators see it: its id, its span, its place in the counts, and what idempotency
//! made of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use idem_core::{
    RecordKey,
    event::{Answered, Event, Observer},
};
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::metrics;

/// Who speaks in the log, for whoever filters it: `RUST_LOG=goat_api::request=debug`.
const LOG: &str = "goat_api::request";

/// The longest id that is taken from a client.
const LONGEST_ID: usize = 64;

/// What is told of a request whose client hung up, as nginx tells it.
const HUNG_UP: u16 = 499;

/// The outcome of a request that has no key, or whose route needs none.
const NONE: &str = "none";

/// The paths that machines ask for every few seconds; their requests are logged for debugging only.
const QUIET: [&str; 3] = ["/healthz", "/metrics", "/readyz"];

/// The library's code for a body that did not arrive whole.
const UNREADABLE: &[u8] = b"payload-unreadable";

tokio::task_local! {
    /// What is learnt of the request that this task serves.
    static LEARNT: Arc<Learnt>;
}

/// What becomes known inside a request.
#[derive(Debug, Default)]
struct Learnt {
    decided: OnceLock<Answered>,
    broke_off: AtomicBool,
}

/// Says that the body of the request that this task serves broke off: nobody is there for the answer.
pub(in crate::web) fn broke_off() {
    // Outside of a server nobody counts.
    let _ = LEARNT.try_with(|learnt| learnt.broke_off.store(true, Ordering::Relaxed));
}

/// Hears from the library what becomes of each request; put it into the policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutcomeObserver;

impl Observer for OutcomeObserver {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        if let Event::Decided(answered) = event {
            // An execution that was handed over has no request any more.
            let _ = LEARNT.try_with(|learnt| learnt.decided.set(*answered));
        }
    }
}

/// A request from its head to its answer. Dropped before, its client hung up.
#[derive(Debug)]
pub(in crate::web) struct Observed {
    request_id: String,
    method: &'static str,
    route: String,
    span: Span,
    began: Instant,
    learnt: Arc<Learnt>,
    refused: Option<String>,
    status: u16,
}

impl Observed {
    /// Begins with what the head says: the method, the template of the route, if one is matched,
    /// and the client's own id for the request.
    pub(in crate::web) fn begin(method: &str, route: Option<&str>, id: Option<&[u8]>) -> Self {
        let request_id = id.and_then(well_formed).map_or_else(new_id, str::to_owned);
        let method = known(method);
        let route = route.unwrap_or("unmatched").to_owned();
        // Of the highest level, so that whatever is logged has the request's id with it.
        let span = tracing::error_span!(
            target: LOG,
            "request",
            method,
            route,
            request_id,
            status = Empty,
            outcome = Empty,
            duration_ms = Empty,
        );
        metrics::began();
        Self {
            request_id,
            method,
            route,
            span,
            began: Instant::now(),
            learnt: Arc::default(),
            refused: None,
            status: HUNG_UP,
        }
    }

    /// Serves the request: what happens in it is logged in its span.
    pub(in crate::web) async fn serve<T>(&self, serving: impl Future<Output = T>) -> T {
        LEARNT
            .scope(Arc::clone(&self.learnt), serving)
            .instrument(self.span.clone())
            .await
    }

    /// Ends with an answer of this status, and with the library's code if it refused; gives the
    /// request's id for the answer.
    ///
    /// If its body broke off, its client hung up, whatever it would be answered.
    pub(in crate::web) fn end(mut self, status: u16, refusal: Option<&[u8]>) -> String {
        let broke_off = self.learnt.broke_off.load(Ordering::Relaxed);
        if broke_off || refusal == Some(UNREADABLE) {
            return self.request_id.clone();
        }
        self.status = status;
        let refusal = refusal.and_then(|code| str::from_utf8(code).ok());
        self.refused = refusal.map(outcome_of);
        self.request_id.clone()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let elapsed = self.began.elapsed();
        let outcome = match (self.learnt.decided.get(), &self.refused) {
            (Some(answered), _) => answered.as_str(),
            (None, Some(code)) => code,
            (None, None) => NONE,
        };
        // Whoever panicked did not hang up.
        let status = match self.status {
            HUNG_UP if std::thread::panicking() => 500,
            status => status,
        };
        self.span.record("status", status);
        self.span.record("outcome", outcome);
        // In microseconds, for more digits would only be noise.
        let millis = elapsed.as_micros() as f64 / 1000.0;
        self.span.record("duration_ms", millis);
        metrics::ended(self.method, &self.route, status, outcome, elapsed);
        let _entered = self.span.enter();
        if QUIET.contains(&&*self.route) {
            tracing::debug!(target: LOG, "answered");
        } else if status == HUNG_UP {
            tracing::info!(target: LOG, "the client hung up");
        } else {
            tracing::info!(target: LOG, "answered");
        }
    }
}

/// `idempotency-key-invalid` is `key_invalid`: what is refused before it is decided has no other name.
fn outcome_of(code: &str) -> String {
    let code = code.strip_prefix("idempotency-").unwrap_or(code);
    code.replace('-', "_")
}

/// An id that can be logged and answered as it is.
fn well_formed(id: &[u8]) -> Option<&str> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    let well_formed = (1..=LONGEST_ID).contains(&id.len()) && id.iter().all(fits);
    well_formed.then(|| str::from_utf8(id).ok()).flatten()
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Clients can make up methods; the counts have those that mean something.
fn known(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ];
    let known = KNOWN.into_iter().find(|known| *known == method);
    known.unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_if_it_is_short_and_plain() {
        for id in ["1", "a-b_c.d:e", "0190a8f2-7b1c-7e4e-9d55-a3f7f3c1b2d4"] {
            assert_eq!(well_formed(id.as_bytes()), Some(id));
        }
        let long = "x".repeat(LONGEST_ID + 1);
        for id in ["", "a b", "a\nb", "\"", "é", "{}", &long] {
            assert_eq!(well_formed(id.as_bytes()), None, "{id:?}");
        }
        assert!(well_formed(new_id().as_bytes()).is_some());
    }

    #[test]
    fn clients_make_up_no_series() {
        assert_eq!(known("POST"), "POST");
        assert_eq!(known("post"), "other");
        assert_eq!(known("BREW"), "other");
    }

    #[test]
    fn a_refusal_before_the_decision_is_named_by_its_code() {
        assert_eq!(outcome_of("idempotency-key-invalid"), "key_invalid");
        assert_eq!(outcome_of("payload-too-large"), "payload_too_large");
    }
}
