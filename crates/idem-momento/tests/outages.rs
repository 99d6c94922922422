//! A start-up check that fits or not, and a client that is built anew.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{
    Idempotency, IdempotencyKey, IdempotencyStore, Policy, RecordKey, Refusal, RunError,
    store::{Claim, Fingerprint, Identity, Lease, NotKept, StoreErrorKind},
};
use idem_momento::{MomentoStore, PrepareError};
use momento::CredentialProvider;
use momento_emulator::{Code, Emulator, Fault, Limits, Method, When};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn key(number: u8) -> RecordKey {
    RecordKey::from_bytes([number; 32])
}

fn lease() -> Lease {
    let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
    Lease::new(identity, Duration::from_secs(30))
}

fn store(emulator: &Emulator) -> MomentoStore {
    MomentoStore::new(emulator.client(Duration::from_secs(5)), "requests")
}

#[tokio::test]
async fn a_cache_that_is_missing_is_created_once() {
    let emulator = Emulator::start().unwrap();
    for _ in 0..2 {
        let store = store(&emulator).prepare(HOUR).await.unwrap();
        let _ = store.claim(&key(1), &lease()).await.unwrap();
    }
    assert_eq!(emulator.calls().of(Method::CreateCache), 1);
}

#[tokio::test]
async fn a_retention_above_the_caches_maximum_is_refused_with_both_figures() {
    let emulator = Emulator::start().unwrap();
    let error = store(&emulator).prepare(25 * HOUR).await.unwrap_err();
    assert!(matches!(error, PrepareError::Retention { .. }));
    let message = error.to_string();
    assert!(
        message.contains("86400 seconds at most") && message.contains("90000"),
        "{message}"
    );
}

#[tokio::test]
async fn a_key_that_is_refused_is_told_with_its_cause() {
    let emulator = Emulator::start().unwrap();
    let refused = Fault::Fail(When::Before, Code::Unauthenticated);
    emulator.faults().every(Method::ListCaches, refused);
    let error = store(&emulator).prepare(HOUR).await.unwrap_err();
    assert_eq!(error.to_string(), "could not list the caches");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("credentials"), "{cause}");
}

#[tokio::test]
async fn the_largest_item_is_what_the_cache_says() {
    let emulator = Emulator::start().unwrap();
    let limits = Limits {
        item_kib: 500,
        ..Limits::default()
    };
    emulator.limit_cache("requests", limits);
    let before = store(&emulator).capacity().max_record_bytes().unwrap();
    let store = store(&emulator).prepare(HOUR).await.unwrap();
    let after = store.capacity().max_record_bytes().unwrap();
    assert!(
        after < 512_000 && before > 4_000_000,
        "{before} and {after}"
    );
}

/// A store that counts the clients that are built for it.
fn counted(
    emulator: &Arc<Emulator>,
    deadline: Duration,
    cache: &str,
) -> (MomentoStore, Arc<AtomicUsize>) {
    let built = Arc::new(AtomicUsize::new(0));
    let (count, server) = (Arc::clone(&built), Arc::clone(emulator));
    let connect = move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(server.client(deadline))
    };
    (MomentoStore::connect(connect, cache).unwrap(), built)
}

/// Two services, so that the one falls silent and the other speaks.
fn services() -> Arc<[Emulator; 2]> {
    let services = [Emulator::start().unwrap(), Emulator::start().unwrap()];
    for service in &services {
        service.create_cache("requests");
    }
    Arc::new(services)
}

#[tokio::test]
async fn a_client_that_gets_no_answers_is_built_anew() {
    let emulator = Arc::new(Emulator::start().unwrap());
    emulator.create_cache("requests");
    let (store, built) = counted(&emulator, Duration::from_millis(200), "requests");
    emulator
        .faults()
        .every(Method::SetIf, Fault::Hang(When::Before));
    for number in 0..3 {
        assert_eq!(built.load(Ordering::SeqCst), 1, "after {number} calls");
        let error = store.claim(&key(1), &lease()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Timeout);
        assert!(error.may_have_landed());
    }
    assert_eq!(built.load(Ordering::SeqCst), 2);

    // A caller that gives up before the deadline counts as well.
    for _ in 0..3 {
        let claim = tokio::time::timeout(Duration::from_millis(1), async {
            store.claim(&key(1), &lease()).await
        });
        assert!(claim.await.is_err());
    }
    assert_eq!(built.load(Ordering::SeqCst), 3);

    emulator.faults().clear();
    assert_eq!(store.claim(&key(2), &lease()).await.unwrap(), Claim::Owned);
}

#[tokio::test]
async fn a_connection_that_died_in_a_pause_is_replaced_before_the_next_call() {
    for (idle, answered) in [(None, false), (Some(Duration::from_millis(1)), true)] {
        let services = services();
        let (built, server) = (AtomicUsize::new(0), Arc::clone(&services));
        let connect = move || {
            let service = &server[built.fetch_add(1, Ordering::SeqCst).min(1)];
            Ok(service.client(Duration::from_millis(500)))
        };
        let store = MomentoStore::connect(connect, "requests").unwrap();
        let store = match idle {
            Some(idle) => store.idle(idle),
            None => store,
        };
        services[0].faults().mute_connections();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let claimed = store.claim(&key(1), &lease()).await;
        assert_eq!(claimed.is_ok(), answered, "{claimed:?}");
    }
}

#[tokio::test]
async fn a_client_that_could_not_be_built_after_a_pause_is_built_before_the_next_call() {
    let services = services();
    let (built, server) = (AtomicUsize::new(0), Arc::clone(&services));
    let connect = move || match built.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(server[0].client(Duration::from_millis(500))),
        1 => Err(CredentialProvider::from_disposable_token("no token").unwrap_err()),
        _ => Ok(server[1].client(Duration::from_secs(5))),
    };
    let pause = Duration::from_millis(50);
    let store = MomentoStore::connect(connect, "requests").unwrap();
    let store = store.idle(pause);
    services[0].faults().mute_connections();
    tokio::time::sleep(2 * pause).await;
    store.claim(&key(1), &lease()).await.unwrap_err();
    let claimed = store.claim(&key(1), &lease()).await;
    assert_eq!(claimed.unwrap(), Claim::Owned);
}

#[tokio::test]
async fn calls_without_a_pause_share_one_client() {
    let emulator = Arc::new(Emulator::start().unwrap());
    emulator.create_cache("requests");
    let (store, built) = counted(&emulator, Duration::from_secs(5), "requests");
    let store = store.idle(HOUR);
    for number in 0..10 {
        let claimed = store.claim(&key(number), &lease()).await.unwrap();
        assert_eq!(claimed, Claim::Owned);
    }
    assert_eq!(built.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn answers_that_are_errors_build_no_client_anew() {
    let emulator = Arc::new(Emulator::start().unwrap());
    let (store, built) = counted(&emulator, Duration::from_secs(5), "missing");
    for _ in 0..10 {
        let error = store.claim(&key(1), &lease()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Rejected);
        assert!(!error.may_have_landed());
    }
    assert_eq!(built.load(Ordering::SeqCst), 1);
}

/// Runs an operation, and again: whether it was protected.
async fn protects(store: MomentoStore, policy: Policy) -> bool {
    let idempotency = Idempotency::new(store, policy);
    let key = IdempotencyKey::new("k").unwrap();
    let ship = || async { Ok::<_, Infallible>("parcel-4".to_owned()) };
    let first = idempotency.run(&key, "order-9", ship).await.unwrap();
    assert!(!first.is_replay());
    // Nothing is left to its lease.
    tokio::time::sleep(Duration::from_millis(150)).await;
    match idempotency.run(&key, "order-9", ship).await {
        Ok(again) => again.is_replay(),
        Err(RunError::Refused(Refusal::NotKept(reason))) => reason == NotKept::TooLarge,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_value_of_a_setting_takes_the_protection_away() {
    let policy = || Policy::reference().lease(Duration::from_millis(100));
    for bytes in [0, 1, 100, usize::MAX] {
        let emulator = Emulator::start().unwrap();
        emulator.create_cache("requests");
        let store = store(&emulator).max_item_bytes(bytes);
        assert!(protects(store, policy()).await, "{bytes} bytes");
    }
    for idle in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let emulator = Arc::new(Emulator::start().unwrap());
        emulator.create_cache("requests");
        let served = Arc::clone(&emulator);
        let connect = move || Ok(served.client(Duration::from_secs(5)));
        let store = MomentoStore::connect(connect, "requests").unwrap();
        assert!(protects(store.idle(idle), policy()).await, "{idle:?}");
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_built_without_a_panic_takes_nothing_down() {
    let emulator = Arc::new(Emulator::start().unwrap());
    emulator.create_cache("requests");
    let (served, is_first) = (Arc::clone(&emulator), AtomicBool::new(true));
    let connect = move || {
        assert!(is_first.swap(false, Ordering::SeqCst), "a planted panic");
        Ok(served.client(Duration::from_secs(5)))
    };
    let store = MomentoStore::connect(connect, "requests").unwrap();
    emulator
        .faults()
        .every(Method::SetIf, Fault::Hang(When::Before));
    // Whoever gives up drops the call, which notices that it had no answer: after the third the client is to be built.
    for _ in 0..4 {
        let claim = async { store.claim(&key(1), &lease()).await };
        let claimed = tokio::time::timeout(Duration::from_millis(1), claim).await;
        assert!(claimed.is_err());
    }
    emulator.faults().clear();
    assert_eq!(store.claim(&key(2), &lease()).await.unwrap(), Claim::Owned);
}
