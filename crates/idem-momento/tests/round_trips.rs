//! What each operation costs, counted at the stand-in, and that nothing but conditional writes and
//! reads ever touches a record.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, RecordKey, Response,
    store::{Claim, Fenced, Fingerprint, Identity, Lease},
};
use idem_momento::MomentoStore;
use momento_emulator::{Code, Emulator, Fault, Method, When};

const CACHE: &str = "requests";
const RETENTION: Duration = Duration::from_secs(60);
const KEY: RecordKey = RecordKey::from_bytes([7; 32]);

fn lease(fingerprint: u8) -> Lease {
    let identity = Identity::new(Fingerprint::from_bytes([fingerprint; 32]));
    Lease::new(identity, Duration::from_secs(30))
}

struct Counted {
    emulator: Emulator,
    store: MomentoStore,
}

impl Counted {
    fn new(read_along: bool) -> Self {
        let emulator = Emulator::start().unwrap();
        emulator.create_cache(CACHE);
        let client = emulator.client(Duration::from_secs(10));
        let store = MomentoStore::new(client, CACHE).read_along(read_along);
        Self { emulator, store }
    }

    /// How many writes and reads were made since the last time.
    fn calls(&self) -> (u64, u64) {
        let calls = self.emulator.calls();
        let counted = (calls.of(Method::SetIf), calls.of(Method::Get));
        let writes_and_reads = counted.0 + counted.1 + calls.of(Method::ItemGetTtl);
        assert_eq!(calls.total(), writes_and_reads, "only SetIf and reads");
        calls.reset();
        counted
    }

    async fn claim(&self, lease: &Lease) -> bool {
        self.store.claim(&KEY, lease).await.unwrap() == Claim::Owned
    }

    async fn complete(&self, lease: &Lease) {
        let response = Response::new(201, Headers::default(), Bytes::from_static(b"1"));
        let completed = self
            .store
            .complete(&KEY, lease, &response.into(), RETENTION)
            .await;
        assert_eq!(completed.unwrap(), Fenced::Held);
    }
}

#[tokio::test]
async fn a_fresh_request_takes_two_round_trips() {
    let counted = Counted::new(false);
    let lease = lease(1);
    assert!(counted.claim(&lease).await);
    assert_eq!(counted.calls(), (1, 0));
    counted.complete(&lease).await;
    assert_eq!(counted.calls(), (1, 0));
}

#[tokio::test]
async fn a_failed_request_takes_two_round_trips_and_so_does_its_retry() {
    let counted = Counted::new(false);
    for _ in 0..2 {
        let lease = lease(1);
        assert!(counted.claim(&lease).await);
        assert_eq!(
            counted.store.release(&KEY, &lease).await.unwrap(),
            Fenced::Held
        );
        assert_eq!(counted.calls(), (2, 0));
    }
}

#[tokio::test]
async fn a_duplicate_takes_two_round_trips_whatever_it_finds() {
    let counted = Counted::new(false);
    let owner = lease(1);
    assert!(counted.claim(&owner).await);
    counted.calls();
    assert!(!counted.claim(&lease(1)).await, "in progress");
    assert_eq!(counted.calls(), (1, 1));
    counted.complete(&owner).await;
    counted.calls();
    assert!(!counted.claim(&lease(1)).await, "a replay");
    assert_eq!(counted.calls(), (1, 1));
    assert!(!counted.claim(&lease(2)).await, "a mismatch");
    assert_eq!(counted.calls(), (1, 1));
}

#[tokio::test]
async fn with_the_read_along_a_duplicate_takes_one_round_trip() {
    let counted = Counted::new(true);
    let owner = lease(1);
    assert!(counted.claim(&owner).await);
    counted.complete(&owner).await;
    counted.calls();
    assert!(!counted.claim(&lease(1)).await);
    // A read that was answered before the write may be sent again.
    assert!(matches!(counted.calls(), (1, 1 | 2)));

    // The read does not wait for the write, which here is never answered.
    let hang = Fault::Hang(When::Before);
    counted.emulator.faults().every(Method::SetIf, hang);
    let (store, calls) = (counted.store.clone(), counted.emulator.calls());
    let claim = tokio::spawn(async move { store.claim(&KEY, &lease(1)).await });
    let read = async {
        while calls.of(Method::Get) == 0 {
            tokio::task::yield_now().await;
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(10), read).await;
    claim.abort();
    assert!(read.is_ok(), "the read was sent along");
}

#[tokio::test]
async fn a_look_up_reads_once_what_is_absent_and_twice_what_is_there() {
    let counted = Counted::new(false);
    let ttl = || counted.emulator.calls().of(Method::ItemGetTtl);
    assert_eq!(counted.store.look_up(&KEY).await.unwrap(), None);
    assert_eq!((ttl(), counted.calls()), (0, (0, 1)));

    let owner = lease(1);
    assert!(counted.claim(&owner).await);
    counted.calls();
    let found = counted.store.look_up(&KEY).await.unwrap().unwrap();
    assert_eq!((ttl(), counted.calls()), (1, (0, 1)));
    assert!(found.remaining() <= Some(owner.duration()), "{found:?}");

    counted.complete(&owner).await;
    counted.calls();
    let found = counted.store.look_up(&KEY).await.unwrap().unwrap();
    assert_eq!((ttl(), counted.calls()), (1, (0, 1)));
    let is_the_retention = owner.duration()..=RETENTION;
    assert!(is_the_retention.contains(&found.remaining().unwrap()));
}

#[tokio::test]
async fn a_released_key_is_looked_up_as_absent_and_a_failure_writes_nothing() {
    let counted = Counted::new(false);
    let owner = lease(1);
    assert!(counted.claim(&owner).await);
    let _ = counted.store.release(&KEY, &owner).await.unwrap();
    assert_eq!(counted.store.look_up(&KEY).await.unwrap(), None);

    let lost = Fault::Fail(When::After, Code::Unavailable);
    counted.emulator.faults().next(Method::Get, lost);
    let error = counted.store.look_up(&KEY).await.unwrap_err();
    assert!(!error.may_have_landed(), "{error:?}");
}

#[tokio::test]
async fn a_renewal_takes_one() {
    let counted = Counted::new(false);
    let lease = lease(1);
    assert!(counted.claim(&lease).await);
    counted.calls();
    assert_eq!(
        counted.store.renew(&KEY, &lease).await.unwrap(),
        Fenced::Held
    );
    assert_eq!(counted.calls(), (1, 0));
}
