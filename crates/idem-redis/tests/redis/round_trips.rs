//! What each operation costs, counted by a relay.

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced},
};
use test_servers::RedisRelay;

use crate::server::{LONG, REDIS, VALKEY, complete, connect, key, lease, teach};

async fn counted() -> (idem_redis::RedisStore, RedisRelay) {
    let relay = RedisRelay::to(REDIS.port()).unwrap();
    let store = connect(&relay.url()).await;
    teach(&store).await;
    (store, relay)
}

#[tokio::test]
async fn fresh_two_failed_two_duplicate_one_look_up_one_renewal_one() {
    let (store, relay) = counted().await;
    let mut before = relay.scripts();
    let mut trips = || {
        let since = relay.scripts() - before;
        before += since;
        since
    };
    let (fresh, failed) = (key(), key());
    let owner = lease(LONG);

    assert_eq!(store.claim(&failed, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(store.release(&failed, &owner).await.unwrap(), Fenced::Held);
    assert_eq!(trips(), 2, "a failed request");

    assert_eq!(store.claim(&fresh, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(trips(), 1);
    let taken = store.claim(&fresh, &lease(LONG)).await.unwrap();
    assert!(matches!(taken, Claim::Taken(_)));
    assert_eq!(trips(), 1, "a duplicate of a request that runs");
    assert_eq!(store.renew(&fresh, &owner).await.unwrap(), Fenced::Held);
    assert_eq!(trips(), 1, "a renewal");
    assert_eq!(complete(&store, &fresh, &owner).await, Fenced::Held);
    assert_eq!(trips(), 1, "with its claim, a fresh request takes 2");

    let taken = store.claim(&fresh, &lease(LONG)).await.unwrap();
    assert!(matches!(taken, Claim::Taken(_)));
    assert_eq!(trips(), 1, "a replay");
    assert!(store.look_up(&fresh).await.unwrap().is_some());
    assert_eq!(trips(), 1, "a look-up");
}

// S83
#[tokio::test]
async fn a_server_that_forgot_the_scripts_gets_each_once_more() {
    // Others use the shared Redis at the same time.
    let relay = RedisRelay::to(VALKEY.port()).unwrap();
    let store = connect(&relay.url()).await;
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    VALKEY.command(&["SCRIPT", "FLUSH"]).unwrap();
    let before = relay.scripts();
    assert_eq!(complete(&store, &key, &owner).await, Fenced::Held);
    assert_eq!(relay.scripts() - before, 2);
    let taken = store.claim(&key, &lease(LONG)).await.unwrap();
    assert!(matches!(taken, Claim::Taken(_)));
}
