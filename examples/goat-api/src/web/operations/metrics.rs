//! What is counted, as text for Prometheus.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `http_requests_total` | counter | `method`, `route`, `status`, `outcome` |
//! | `http_request_duration_seconds` | histogram | `method`, `route`, `status` |
//! | `http_requests_in_flight` | gauge | |
//! | `idempotency_executions_under_way` | gauge | |
//! | `idempotency_memory_store_records`, `idempotency_memory_store_bytes` | gauge | |
//! | `goat_api_build_info` | gauge, always 1 | `version`, `framework`, `store` |
//!
//! and those of [`idem_core::event::Event`]. A route is a template such as `/orders/{order_id}`, or
//! `unmatched`; a method that is none of HTTP's usual ones is `other`. So clients cannot make
//! series by what they send.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use idem_core::{Idempotency, MemoryStore};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::Operations;
use crate::web::answer::Answer;

const REQUESTS: &str = "http_requests_total";
const REQUEST_DURATION: &str = "http_request_duration_seconds";
const IN_FLIGHT: &str = "http_requests_in_flight";
const UNDER_WAY: &str = "idempotency_executions_under_way";
const RECORDS: &str = "idempotency_memory_store_records";
const BYTES: &str = "idempotency_memory_store_bytes";
const BUILD: &str = "goat_api_build_info";
const STORE_CALL_DURATION: &str = "idempotency_store_call_duration_seconds";

/// From a read of the database to an order that a person waits for, in seconds.
const REQUEST_BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// From a store in memory to the timeout of a call, in seconds.
const STORE_BUCKETS: [f64; 13] = [
    0.000_01, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];

/// How often samples are moved to their buckets, so that they do not pile up unread.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's counts. Clones, and all servers of one process, share them.
#[derive(Clone)]
pub struct Metrics {
    recorder: PrometheusHandle,
    memory: Option<MemoryStore>,
}

/// Another recorder is installed in this process, so nothing could be counted here.
#[derive(Debug, thiserror::Error)]
#[error("another recorder of metrics is installed in this process")]
pub struct MetricsTaken;

/// A process has one recorder.
static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

impl Metrics {
    /// Counts from now on, in the whole process; asked again, it gives the same counts.
    ///
    /// # Errors
    /// Another recorder is installed; nothing is changed.
    pub fn install() -> Result<Self, MetricsTaken> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = match &*installed {
            Some(recorder) => recorder.clone(),
            None => installed.insert(install()?).clone(),
        };
        Ok(Self {
            recorder,
            memory: None,
        })
    }

    /// Tells the size of a store in memory, too.
    #[must_use]
    pub fn memory(self, memory: Option<MemoryStore>) -> Self {
        Self { memory, ..self }
    }

    /// Says what runs here.
    pub fn build_info(&self, framework: &'static str, store: &'static str) {
        let version = env!("CARGO_PKG_VERSION");
        gauge!(BUILD, "version" => version, "framework" => framework, "store" => store).set(1);
    }

    /// Keeps samples from piling up while nobody asks for them; it never ends.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn upkeep(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.tidy();
        }
    }

    /// Keeps samples from piling up, once.
    pub fn tidy(&self) {
        self.recorder.run_upkeep();
    }

    fn render(&self, idempotency: &Idempotency) -> String {
        gauge!(UNDER_WAY).set(idempotency.under_way() as f64);
        if let Some(memory) = &self.memory {
            gauge!(RECORDS).set(memory.records() as f64);
            gauge!(BYTES).set(memory.bytes() as f64);
        }
        self.recorder.render()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

fn install() -> Result<PrometheusHandle, MetricsTaken> {
    let buckets = "buckets that are not empty";
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_DURATION.into()), &REQUEST_BUCKETS)
        .expect(buckets)
        .set_buckets_for_metric(Matcher::Full(STORE_CALL_DURATION.into()), &STORE_BUCKETS)
        .expect(buckets);
    let recorder = builder.install_recorder().map_err(|_| MetricsTaken)?;
    describe();
    Ok(recorder)
}

fn describe() {
    idem_core::event::describe_metrics();
    describe_counter!(
        REQUESTS,
        Unit::Count,
        "Requests that were answered, or whose client hung up before or during its upload (status 499), by route \
         template and by what idempotency made of them."
    );
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "How long requests took to their answer, or until their client hung up (status 499)."
    );
    describe_gauge!(
        IN_FLIGHT,
        Unit::Count,
        "Requests that are being answered now."
    );
    describe_gauge!(
        UNDER_WAY,
        Unit::Count,
        "Executions under a key that run now, those included whose client hung up."
    );
    describe_gauge!(RECORDS, Unit::Count, "Records in the store in memory.");
    describe_gauge!(
        BYTES,
        Unit::Bytes,
        "Memory that the store in memory takes for its records."
    );
    describe_gauge!(BUILD, "What runs here: always 1.");
}

impl Operations {
    /// `GET /metrics`
    pub(in crate::web) fn metrics(&self) -> Answer {
        let text = self.metrics.render(&self.idempotency);
        Answer::file("text/plain; version=0.0.4; charset=utf-8", text)
    }
}

/// A request began.
pub(super) fn began() {
    gauge!(IN_FLIGHT).increment(1);
}

/// A request ended, after so long.
pub(super) fn ended(
    method: &'static str,
    route: &str,
    status: u16,
    outcome: &str,
    elapsed: Duration,
) {
    gauge!(IN_FLIGHT).decrement(1);
    let (route, status) = (route.to_owned(), status.to_string());
    counter!(
        REQUESTS,
        "method" => method,
        "route" => route.clone(),
        "status" => status.clone(),
        "outcome" => outcome.to_owned(),
    )
    .increment(1);
    histogram!(REQUEST_DURATION, "method" => method, "route" => route, "status" => status)
        .record(elapsed);
}
