//! A replica that is promoted, and claims that replicas confirm.

use std::time::Duration;

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, Record, StoreErrorKind},
};
use idem_redis::RedisStore;
use idem_store_tests::Fixture;
use test_servers::{Redis, RedisCluster, RedisRelay, StartError};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::server::{LONG, complete, connect, key, lease};

/// How long a replica may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// A primary, and a replica that has all that it has.
async fn pair() -> (Redis, Redis) {
    pair_of(Redis::start_with).await
}

async fn pair_of(start: fn(&[&str]) -> Result<Redis, StartError>) -> (Redis, Redis) {
    let server = || start(&["--repl-diskless-sync-delay", "0"]).unwrap();
    let (primary, replica) = (server(), server());
    follow(&replica, &primary).await;
    (primary, replica)
}

async fn follow(replica: &Redis, primary: &Redis) {
    let port = primary.port().to_string();
    replica.command(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
    copied(primary).await;
}

/// Waits until the replica has told that it has all that the primary has.
async fn copied(primary: &Redis) {
    until(|| {
        let info = primary.command(&["INFO", "replication"]).unwrap();
        let all = info
            .lines()
            .find_map(|line| line.strip_prefix("master_repl_offset:"));
        let told = info
            .split(',')
            .find_map(|part| part.strip_prefix("offset="));
        info.contains("state=online") && all.is_some() && told == all
    })
    .await;
}

fn promote(replica: &Redis) {
    replica.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
}

async fn until(condition: impl Fn() -> bool) {
    let polling = async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let polled = tokio::time::timeout(Duration::from_secs(20), polling);
    polled.await.unwrap();
}

async fn confirmed(server: &Redis) -> RedisStore {
    let builder = RedisStore::builder(server.url()).call_timeout(2 * PATIENCE);
    builder.confirm(1, PATIENCE).connect().await.unwrap()
}

// S83
#[tokio::test]
async fn after_a_failover_the_store_follows_the_name() {
    let (primary, replica) = pair().await;
    let relay = RedisRelay::to(primary.port()).unwrap();
    let store = connect(&relay.url()).await;
    let (done, running, owner) = (key(), key(), lease(LONG));
    for key in [&done, &running] {
        assert_eq!(store.claim(key, &owner).await.unwrap(), Claim::Owned);
    }
    assert_eq!(complete(&store, &done, &owner).await, Fenced::Held);
    copied(&primary).await;

    promote(&replica);
    follow(&primary, &replica).await;
    relay.lead_to(replica.port());
    // Its connection still leads to the old primary, which takes no writes.
    let error = store.renew(&running, &owner).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    assert!(!error.may_have_landed(), "{error:?}");

    assert_eq!(store.renew(&running, &owner).await.unwrap(), Fenced::Held);
    let replay = store.claim(&done, &lease(LONG)).await.unwrap();
    assert!(matches!(replay, Claim::Taken(Record::Completed(_))));
}

// S85
#[tokio::test]
async fn a_replica_that_lacks_a_claim_lets_another_run_and_fences_the_first() {
    let (primary, replica) = pair().await;
    let relay = RedisRelay::to(primary.port()).unwrap();
    let store = connect(&relay.url()).await;
    promote(&replica);
    let (key, first, second) = (key(), lease(LONG), lease(LONG));
    assert_eq!(store.claim(&key, &first).await.unwrap(), Claim::Owned);
    primary.kill();
    relay.lead_to(replica.port());

    let claimed = match store.claim(&key, &second).await {
        Err(error) if error.may_have_landed() => store.claim(&key, &second).await,
        answer => answer,
    };
    assert_eq!(claimed.unwrap(), Claim::Owned, "two run");
    assert_eq!(complete(&store, &key, &first).await, Fenced::Lost);
    assert_eq!(complete(&store, &key, &second).await, Fenced::Held);
}

// S85
#[tokio::test]
async fn a_claim_that_too_few_replicas_have_is_refused_and_undone() {
    let (primary, replica) = pair().await;
    let store = confirmed(&primary).await;
    let (fresh, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&fresh, &owner).await.unwrap(), Claim::Owned);
    let seen = store.claim(&fresh, &lease(LONG)).await.unwrap();
    assert!(matches!(seen, Claim::Taken(Record::Pending(_))));

    replica.stand_still().unwrap();
    let refused = key();
    let error = store.claim(&refused, &owner).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    assert!(!error.may_have_landed(), "{error:?}");
    assert_eq!(store.look_up(&refused).await.unwrap(), None);
    // Duplicates write nothing that would have to be confirmed, and what was admitted can end.
    let seen = store.claim(&fresh, &lease(LONG)).await.unwrap();
    assert!(matches!(seen, Claim::Taken(Record::Pending(_))));
    assert_eq!(complete(&store, &fresh, &owner).await, Fenced::Held);

    replica.go_on().unwrap();
    assert_eq!(store.claim(&refused, &owner).await.unwrap(), Claim::Owned);
}

// S85
#[tokio::test]
async fn a_claim_that_is_asked_again_is_confirmed_again() {
    for start in [Redis::start_with, Redis::start_valkey_with] {
        let (primary, replica) = pair_of(start).await;
        let (plain, store) = (connect(&primary.url()).await, confirmed(&primary).await);
        let (key, owner) = (key(), lease(LONG));
        replica.stand_still().unwrap();
        assert_eq!(plain.claim(&key, &owner).await.unwrap(), Claim::Owned);
        let error = store.claim(&key, &owner).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        assert_eq!(store.look_up(&key).await.unwrap(), None);
    }
}

// S84, S85
#[tokio::test]
async fn a_claim_that_is_asked_again_is_confirmed_on_a_full_server_too() {
    for start in [Redis::start_with, Redis::start_valkey_with] {
        let (primary, _replica) = pair_of(start).await;
        let (plain, store) = (connect(&primary.url()).await, confirmed(&primary).await);
        let (key, owner) = (key(), lease(LONG));
        // Its answer was lost, and the server became full.
        assert_eq!(plain.claim(&key, &owner).await.unwrap(), Claim::Owned);
        let full = ["CONFIG", "SET", "maxmemory", "1"];
        primary.command(&full).unwrap();
        assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
        let left = store.look_up(&key).await.unwrap().unwrap().remaining();
        assert!(left.unwrap() <= LONG, "{left:?}");
    }
}

// S85
#[tokio::test]
async fn confirming_survives_a_restart() {
    let (primary, replica) = pair().await;
    let store = confirmed(&primary).await;
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    primary.kill();
    primary.start_again().unwrap();
    follow(&replica, &primary).await;
    let claimed = match store.claim(&key, &owner).await {
        Err(error) if error.may_have_landed() => store.claim(&key, &owner).await,
        answer => answer,
    };
    assert_eq!(claimed.unwrap(), Claim::Owned);
}

// S85
#[tokio::test]
async fn claims_beyond_those_that_can_be_confirmed_at_once_end_in_time() {
    const CALL: Duration = Duration::from_millis(600);
    let (primary, replica) = pair().await;
    let builder = RedisStore::builder(primary.url()).call_timeout(CALL);
    let store = builder.confirm(1, CALL / 2).connect().await.unwrap();
    replica.stand_still().unwrap();
    let (keys, owner): (Vec<_>, _) = ((0..100).map(|_| key()).collect(), lease(LONG));
    let begun = Instant::now();
    let mut claims = JoinSet::new();
    for key in keys.clone() {
        let (store, owner) = (store.clone(), owner);
        claims.spawn(async move { store.claim(&key, &owner).await.unwrap_err() });
    }
    let errors = claims.join_all().await;
    assert!(begun.elapsed() < 2 * CALL, "{:?}", begun.elapsed());
    let had_no_connection = |error: &&idem_core::store::StoreError| {
        format!("{error:?}").contains("all connections") && !error.may_have_landed()
    };
    let waited_in_vain = errors.iter().filter(had_no_connection).count();
    assert!(waited_in_vain >= 50, "{waited_in_vain}: {errors:?}");

    replica.go_on().unwrap();
    copied(&primary).await;
    for key in &keys {
        assert_eq!(store.claim(key, &owner).await.unwrap(), Claim::Owned);
    }
}

// S83, S86
#[tokio::test]
async fn a_cluster_goes_on_with_the_replica_of_a_primary_that_died() {
    let cluster = RedisCluster::start_with_replica().unwrap();
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    // A third of them is on the node that dies.
    let keys: Vec<_> = (0..30).map(|_| key()).collect();
    let owner = lease(LONG);
    for key in &keys {
        assert_eq!(store.claim(key, &owner).await.unwrap(), Claim::Owned);
    }
    let [primary, .., replica] = cluster.nodes() else {
        panic!("it has a primary and its replica");
    };
    copied(primary).await;
    primary.kill();

    let begun = Instant::now();
    let mut failed = 0;
    for key in &keys {
        while let Err(error) = store
            .renew(key, &owner)
            .await
            .map(|held| assert_eq!(held, Fenced::Held))
        {
            let kinds = [StoreErrorKind::Unavailable, StoreErrorKind::Timeout];
            assert!(kinds.contains(&error.kind()), "{error:?}");
            failed += 1;
            assert!(begun.elapsed() < LONG, "it never works again: {error:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(failed > 0, "nobody died");
    let info = replica.command(&["INFO", "replication"]).unwrap();
    assert!(info.contains("role:master"), "{info}");
    for key in &keys {
        let seen = store.claim(key, &lease(LONG)).await.unwrap();
        assert!(matches!(seen, Claim::Taken(Record::Pending(_))));
        assert_eq!(complete(&store, key, &owner).await, Fenced::Held);
        assert_eq!(
            store.claim(&self::key(), &owner).await.unwrap(),
            Claim::Owned
        );
    }
}

/// The store contract, with claims that a replica confirms.
mod contract {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::two_confirmed().await,
    }
}

async fn two_confirmed() -> Fixture {
    static PAIR: tokio::sync::OnceCell<(Redis, Redis)> = tokio::sync::OnceCell::const_new();
    let (primary, _) = PAIR.get_or_init(pair).await;
    let (store, other) = (confirmed(primary).await, confirmed(primary).await);
    Fixture::new(store).client(other).crowd(300)
}
