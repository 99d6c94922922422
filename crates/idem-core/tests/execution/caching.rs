//! A local cache in front of a store: what it answers, what it leaves to the store, and for how long.

use std::{io, time::Duration};

use bytes::Bytes;
use idem_core::{
    Headers, Idempotency, IdempotencyStore, LocalCache, MemoryStore, Policy, RecordKey, Response,
    TravellingLease, Verdict,
    adapter::{Begin, Execution},
    store::{Claim, Fenced, Fingerprint, Identity, Lease, Operation, Outcome, Record},
};
use idem_store_tests::{Fault, FaultyStore};
use tokio::time::advance;

use crate::{
    planted::{Plant, PlantedStore},
    support::{INSTANT, LEASE, Log, SECOND, admit, executing, keep},
};

const RETENTION: Duration = Duration::from_secs(60);

const PAYLOAD: &str = r#"{"a":1,"b":2}"#;

const REORDERED: &str = r#"{"b":2,"a":1}"#;

/// A server whose store is elsewhere, behind a cache.
struct Server<S> {
    idempotency: Idempotency,
    store: FaultyStore<S>,
    log: Log,
}

impl<S: IdempotencyStore + Clone> Server<S> {
    fn on(store: S) -> Self {
        let store = FaultyStore::new(store);
        let log = Log::default();
        let policy = Policy::reference().lease(LEASE).retention(RETENTION);
        let cached = LocalCache::new(store.clone());
        Self {
            idempotency: Idempotency::new(cached, policy.observer(log.clone())),
            store,
            log,
        }
    }

    async fn begin(&self, payload: &str) -> Begin {
        let protected = admit(&self.idempotency);
        self.idempotency.begin(protected, payload.as_bytes()).await
    }

    async fn execution(&self) -> Execution {
        executing(self.begin(PAYLOAD).await)
    }

    async fn end(&self, verdict: Verdict) {
        let execution = self.execution().await;
        execution.run(async { (verdict, ()) }).await.unwrap();
    }

    /// What a duplicate gets, and how many calls of the store that takes.
    async fn duplicate(&self, payload: &str) -> (String, usize) {
        let before = self.calls();
        let told = match self.begin(payload).await {
            Begin::Execute(_) => "execute".to_owned(),
            Begin::Replay(response) => String::from_utf8(response.body().to_vec()).unwrap(),
            Begin::Refused(refusal) => refusal.code().to_owned(),
            Begin::Unprotected => "unprotected".to_owned(),
        };
        (told, self.calls() - before)
    }

    fn calls(&self) -> usize {
        let operations = [
            Operation::Claim,
            Operation::Renew,
            Operation::Complete,
            Operation::Release,
            Operation::LookUp,
        ];
        operations
            .map(|operation| self.store.calls(operation))
            .iter()
            .sum()
    }
}

fn told(what: &str, calls: usize) -> (String, usize) {
    (what.to_owned(), calls)
}

#[tokio::test(start_paused = true)]
async fn duplicates_of_what_was_completed_here_ask_the_store_nothing() {
    let server = Server::on(MemoryStore::new());
    server.end(keep("done")).await;
    assert_eq!(server.calls(), 2);
    assert_eq!(server.duplicate(PAYLOAD).await, told("done", 0));
    assert_eq!(server.duplicate(REORDERED).await, told("done", 0));
    let mismatch = told("idempotency-key-reused", 0);
    assert_eq!(server.duplicate(r#"{"a":2}"#).await, mismatch);
    let lines = ["execute", "recorded", "replay", "replay", "mismatch"];
    assert_eq!(server.log.lines(), lines);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_was_not_kept_is_refused_without_the_store() {
    let server = Server::on(MemoryStore::new());
    server
        .end(Verdict::Keep(idem_core::store::NotKept::Stream.into()))
        .await;
    let (told, calls) = server.duplicate(PAYLOAD).await;
    assert_eq!((told.contains("not-kept"), calls), (true, 0), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_pending_or_freed_key_is_the_stores() {
    let server = Server::on(MemoryStore::new());
    let execution = server.execution().await;
    let in_progress = told("idempotency-in-progress", 1);
    assert_eq!(server.duplicate(PAYLOAD).await, in_progress);
    execution.run(async { (Verdict::Free, ()) }).await.unwrap();
    assert_eq!(server.duplicate(PAYLOAD).await, told("execute", 1));
}

#[tokio::test(start_paused = true)]
async fn the_retention_is_over_here_before_it_is_in_the_store() {
    let store = PlantedStore::default();
    store.plant_once(Operation::Complete, Plant::Takes(SECOND));
    let server = Server::on(store);
    server.end(keep("done")).await;
    advance(RETENTION - SECOND - INSTANT).await;
    assert_eq!(server.duplicate(REORDERED).await, told("done", 0));
    advance(INSTANT).await;
    assert_eq!(server.duplicate(PAYLOAD).await, told("done", 1));
    assert_eq!(server.duplicate(REORDERED).await, told("done", 1));
    advance(SECOND).await;
    assert_eq!(server.duplicate(PAYLOAD).await, told("execute", 1));
}

#[tokio::test(start_paused = true)]
async fn a_completion_whose_reply_was_lost_is_left_to_the_store() {
    for fault in [Fault::ReplyLost, Fault::LandsMute, Fault::Mute] {
        // It recalls nothing by itself.
        let server = Server::on(PlantedStore::default());
        server.store.fail_next(Operation::Complete, fault);
        server.end(keep("done")).await;
        assert_eq!(server.store.calls(Operation::Complete), 2, "{fault:?}");
        assert_eq!(
            server.duplicate(PAYLOAD).await,
            told("done", 1),
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_certainly_failed_and_was_sent_again_is_kept() {
    let server = Server::on(PlantedStore::default());
    let refused = Fault::Refused(idem_core::store::StoreErrorKind::Unavailable);
    server.store.fail_next(Operation::Complete, refused);
    server.end(keep("done")).await;
    assert_eq!(server.duplicate(PAYLOAD).await, told("done", 0));
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_came_too_late_is_not_kept() {
    let server = Server::on(PlantedStore::default());
    let late = server.execution().await;
    advance(LEASE).await;
    // Another process takes over.
    let other = Idempotency::new(server.store.clone(), Policy::reference());
    let next = executing(other.begin(admit(&other), PAYLOAD.as_bytes()).await);
    next.run(async { (keep("next"), ()) }).await.unwrap();
    late.run(async { (keep("late"), ()) }).await.unwrap();
    assert_eq!(server.duplicate(PAYLOAD).await, told("next", 1));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_set_out_is_left_to_the_store_once_it_is_back() {
    let server = Server::on(PlantedStore::default());
    let execution = server.execution().await;
    let current = execution.current().clone();
    let work = async {
        // The message arrives, although its sender hears that it did not.
        let mut message = None;
        let send = async |lease: TravellingLease| {
            message = Some(lease);
            Err::<(), _>(io::Error::other("nobody knows"))
        };
        current.travel(LEASE, send).await.unwrap_err();
        let worker = Idempotency::new(server.store.clone(), Policy::reference());
        let Verdict::Keep(outcome) = keep("the worker's") else {
            unreachable!("it is kept")
        };
        let resumed = worker.resume(message.unwrap());
        assert_eq!(resumed.complete(outcome).await.unwrap(), Fenced::Held);
        (keep("ours"), ())
    };
    execution.run(work).await.unwrap();
    assert_eq!(server.duplicate(PAYLOAD).await, told("the worker's", 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_lease_completes_that_arrived_here_is_left_to_the_store() {
    let server = Server::on(PlantedStore::default());
    let lease = server.execution().await.travel();
    let Verdict::Keep(outcome) = keep("done") else {
        unreachable!("it is kept")
    };
    let resumed = server.idempotency.resume(lease);
    assert_eq!(resumed.complete(outcome).await.unwrap(), Fenced::Held);
    assert_eq!(server.duplicate(PAYLOAD).await, told("done", 1));
}

#[tokio::test(start_paused = true)]
async fn look_ups_and_releases_go_to_the_store() {
    let server = Server::on(MemoryStore::new());
    server.end(keep("done")).await;
    let key = server
        .idempotency
        .record_key(None, &idem_core::IdempotencyKey::new("k").unwrap());
    server.idempotency.look_up(&key).await.unwrap();
    assert_eq!(server.store.calls(Operation::LookUp), 1);
    let store = LocalCache::new(server.store.clone());
    assert_eq!(store.identity(), server.store.identity());
    assert_eq!(store.capacity(), server.store.capacity());
    let _ = store.release(&key, &lease()).await.unwrap();
    assert_eq!(server.store.calls(Operation::Release), 1);
}

fn lease() -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([1; 32])), LEASE)
}

/// Completes a record of so many bytes under a key.
async fn put(store: &impl IdempotencyStore, key: u8, bytes: usize) {
    let (key, lease) = (RecordKey::from_bytes([key; 32]), lease());
    let body = Bytes::from(vec![b'x'; bytes]);
    let outcome: Outcome = Response::new(201, Headers::default(), body).into();
    assert_eq!(store.claim(&key, &lease).await.unwrap(), Claim::Owned);
    let completed = store.complete(&key, &lease, &outcome, RETENTION).await;
    assert_eq!(completed.unwrap(), Fenced::Held);
}

#[tokio::test(start_paused = true)]
async fn the_cache_holds_so_many_bytes_of_what_came_last() {
    let store = FaultyStore::new(MemoryStore::new());
    let cached = LocalCache::new(store.clone()).bytes(10_000);
    for key in 1..=4 {
        put(&cached, key, 3_000).await;
    }
    // One that is larger than all of it pushes nothing out but what came before.
    put(&cached, 5, 20_000).await;
    put(&cached, 6, 3_000).await;
    put(&cached, 7, 3_000).await;
    for (key, calls) in [(1, 1), (5, 1), (6, 0), (7, 0)] {
        let before = store.calls(Operation::Claim);
        let key = RecordKey::from_bytes([key; 32]);
        let claim = cached.claim(&key, &lease()).await.unwrap();
        assert!(
            matches!(claim, Claim::Taken(Record::Completed(_))),
            "{claim:?}"
        );
        assert_eq!(store.calls(Operation::Claim) - before, calls, "{key:?}");
    }
}
