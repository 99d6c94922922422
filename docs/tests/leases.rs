//! The numbers of the page on leases are the code's.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use idem_core::{
    Idempotency, IdempotencyKey, MemoryStore, Policy, RecordKey,
    event::{Event, Observer},
    store::{Operation, StoreErrorKind},
};
use idem_store_tests::{Fault, FaultyStore};
use tokio::time::{Instant, sleep};

/// Notes in which millisecond something happened.
#[derive(Clone, Debug)]
struct Notes {
    begin: Instant,
    lines: Arc<Mutex<Vec<(u128, &'static str)>>>,
}

impl Notes {
    fn new() -> Self {
        let lines = Arc::default();
        Self {
            begin: Instant::now(),
            lines,
        }
    }

    /// When each thing of this name happened.
    fn times(&self, name: &str) -> Vec<u128> {
        let lines = self.lines.lock().unwrap();
        let named = lines.iter().filter(|(_, line)| *line == name);
        named.map(|(time, _)| *time).collect()
    }
}

impl Observer for Notes {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        let name = match event {
            Event::StoreCalled { operation, .. } => operation.as_str(),
            Event::LeaseLost(_) => "lease lost",
            _ => return,
        };
        let time = self.begin.elapsed().as_millis();
        self.lines.lock().unwrap().push((time, name));
    }
}

/// Runs work of so many seconds with the default policy, on a store with a fault.
async fn run(seconds: u64, fault: Option<(Operation, Fault)>) -> Notes {
    let store = FaultyStore::new(MemoryStore::new());
    if let Some((operation, fault)) = fault {
        store.fail(operation, fault);
    }
    let notes = Notes::new();
    let policy = Policy::default().observer(notes.clone());
    let key = IdempotencyKey::new("key").unwrap();
    let work = move || async move {
        sleep(Duration::from_secs(seconds)).await;
        Ok::<_, Infallible>(())
    };
    let _ = Idempotency::new(store, policy).run(&key, &(), work).await;
    notes
}

#[test]
fn the_defaults_are_those_of_the_page() {
    let policy = format!("{:?}", Policy::default());
    for default in [
        "lease: 30s",
        "retention: 3600s",
        "store_timeout: 2s",
        "max_request_bytes: 2097152",
        "max_response_bytes: 1048576",
        "wait: None",
    ] {
        assert!(policy.contains(default), "{default} is not in {policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_every_ten_seconds() {
    let notes = run(25, None).await;
    assert_eq!(notes.times("renew"), [10_000, 20_000]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_without_an_answer_is_asked_twice_in_two_seconds() {
    let notes = run(0, Some((Operation::Claim, Fault::Mute))).await;
    assert_eq!(notes.times("claim"), [1_000, 2_000]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_tried_until_the_lease_is_over_and_then_it_is_known() {
    let notes = run(33, Some((Operation::Renew, Fault::Mute))).await;
    // Each is noted when its second without an answer is over.
    let sent = [10_000, 13_500, 17_000, 20_500, 24_000, 27_500, 31_000];
    assert_eq!(notes.times("renew"), sent.map(|time| time + 1_000));
    assert_eq!(notes.times("lease lost"), [32_000]);
}

#[tokio::test(start_paused = true)]
async fn the_end_is_sent_four_times() {
    let refused = Fault::Refused(StoreErrorKind::Unavailable);
    let notes = run(5, Some((Operation::Complete, refused))).await;
    assert_eq!(notes.times("complete"), [5_000, 5_050, 5_150, 5_350]);
}
