//! The service itself, where its key is in the environment.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, RecordKey, Response,
    store::{Claim, Fenced, Fingerprint, Identity, Lease, Outcome, OwnerToken, Record},
};
use idem_momento::MomentoStore;

/// Set it to a cache's name, with `MOMENTO_API_KEY` and `MOMENTO_ENDPOINT`, to run on the service.
const CACHE: &str = "IDEM_MOMENTO_TEST_CACHE";

#[tokio::test]
async fn a_request_is_claimed_completed_and_replayed() {
    let Ok(cache) = std::env::var(CACHE) else {
        println!("NOT RUN: the service itself was not tested, since {CACHE} is not set");
        return;
    };
    let store = MomentoStore::from_env(cache).unwrap();
    let store = store.prepare(Duration::from_secs(60)).await.unwrap();
    let random = [OwnerToken::random(), OwnerToken::random()].map(|token| *token.as_bytes());
    let key = RecordKey::from_bytes(random.concat().try_into().unwrap());
    let lease = |number| {
        let identity = Identity::new(Fingerprint::from_bytes([number; 32]));
        Lease::new(identity, Duration::from_secs(10))
    };
    let owner = lease(1);
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    assert!(matches!(
        store.claim(&key, &lease(2)).await.unwrap(),
        Claim::Taken(_)
    ));
    assert_eq!(store.renew(&key, &owner).await.unwrap(), Fenced::Held);
    let response = Response::new(201, Headers::default(), Bytes::from_static(b"done"));
    let outcome = Outcome::from(response);
    let completed = store.complete(&key, &owner, &outcome, Duration::from_secs(60));
    assert_eq!(completed.await.unwrap(), Fenced::Held);
    assert_eq!(store.release(&key, &owner).await.unwrap(), Fenced::Lost);
    // A read may be stale for a while; what it never does is let a second one execute.
    for _ in 0..50 {
        match store.claim(&key, &lease(1)).await.unwrap() {
            Claim::Owned => panic!("a second owner"),
            Claim::Taken(Record::Completed(found)) => {
                assert_eq!(found.outcome(), &outcome);
                return;
            }
            Claim::Taken(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("the completed record was never read");
}
