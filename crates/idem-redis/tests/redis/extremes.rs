//! Addresses, durations, bodies and foreign values that nobody would choose.

use std::{error::Error, time::Duration};

use idem_core::{
    IdempotencyStore, RecordKey,
    store::{Claim, Fenced, Record, StoreErrorKind},
};
use idem_redis::RedisStore;
use redis::AsyncTypedCommands;
use test_servers::Redis;

use crate::server::{LONG, REDIS, VALKEY, complete, connect, key, lease, response};

/// Claims, completes and replays.
async fn works(store: &RedisStore) {
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(store.renew(&key, &owner).await.unwrap(), Fenced::Held);
    assert_eq!(complete(store, &key, &owner).await, Fenced::Held);
    let replay = store.claim(&key, &lease(LONG)).await.unwrap();
    assert!(matches!(replay, Claim::Taken(Record::Completed(_))));
    assert_eq!(store.release(&key, &owner).await.unwrap(), Fenced::Lost);
}

#[tokio::test]
async fn a_user_and_a_password_of_any_characters() {
    let server = Redis::start().unwrap();
    let user = ["he:i/di@alp", "on", ">p@ss/w?rd#%:é", "~idem:*", "+@all"];
    server
        .command(&[&["ACL", "SETUSER"], &user[..]].concat())
        .unwrap();
    let port = server.port();
    let url = format!("redis://he%3Ai%2Fdi%40alp:p%40ss%2Fw%3Frd%23%25%3A%C3%A9@127.0.0.1:{port}");
    works(&connect(&url).await).await;
}

#[tokio::test]
async fn a_database_by_its_number() {
    let server = Redis::start().unwrap();
    let store = connect(&format!("{}/5", server.url())).await;
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    let info = server.command(&["INFO", "keyspace"]).unwrap();
    assert!(
        info.contains("db5:keys=1") && !info.contains("db0"),
        "{info}"
    );
    // After a reconnection too.
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]).ok();
    drop(store.look_up(&key).await);
    assert!(store.look_up(&key).await.unwrap().is_some());

    let beyond = RedisStore::builder(format!("{}/99", server.url()));
    let error = beyond.connect().await.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("database"), "{cause}");
}

#[tokio::test]
async fn both_versions_of_the_protocol() {
    for server in [&*REDIS, &*VALKEY] {
        for protocol in ["resp2", "resp3"] {
            works(&connect(&format!("{}?protocol={protocol}", server.url())).await).await;
        }
    }
}

#[tokio::test]
async fn durations_without_end() {
    let store = connect(&REDIS.url()).await;
    let (key, owner) = (key(), lease(Duration::MAX));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(store.renew(&key, &owner).await.unwrap(), Fenced::Held);
    let outcome = response(b"1");
    let completed = store.complete(&key, &owner, &outcome, Duration::MAX).await;
    assert_eq!(completed.unwrap(), Fenced::Held);
    let found = store.look_up(&key).await.unwrap().unwrap();
    let left = found.remaining().unwrap();
    assert!(
        left > Duration::from_secs(900 * 365 * 24 * 60 * 60),
        "{left:?}"
    );
}

#[tokio::test]
async fn the_largest_body_comes_back_whole_and_a_larger_one_is_refused() {
    let store = connect(&REDIS.url()).await;
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    let outcome = |length| response(&vec![0xFF; length]);
    let over = outcome(4 * 1024 * 1024 + 1);
    let error = store.complete(&key, &owner, &over, LONG).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert!(!error.may_have_landed());
    let most = outcome(4 * 1024 * 1024);
    let completed = store.complete(&key, &owner, &most, LONG).await;
    assert_eq!(completed.unwrap(), Fenced::Held);
    let replay = store.claim(&key, &lease(LONG)).await.unwrap();
    let Claim::Taken(Record::Completed(found)) = replay else {
        panic!("{replay:?}");
    };
    assert_eq!(found.outcome(), &most);
}

async fn name_of(key: &RecordKey) -> (redis::aio::MultiplexedConnection, Vec<u8>) {
    let client = redis::Client::open(REDIS.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    (connection, [b"idem:", &key.as_bytes()[..]].concat())
}

#[tokio::test]
async fn a_value_of_another_kind_is_refused_and_left_alone() {
    let store = connect(&REDIS.url()).await;
    let (key, owner) = (key(), lease(LONG));
    let (mut direct, name) = name_of(&key).await;
    direct.hset(&name, "field", "value").await.unwrap();
    let outcome = response(b"1");
    let errors = [
        store.claim(&key, &owner).await.unwrap_err(),
        store.renew(&key, &owner).await.unwrap_err(),
        store
            .complete(&key, &owner, &outcome, LONG)
            .await
            .unwrap_err(),
        store.release(&key, &owner).await.unwrap_err(),
        store.look_up(&key).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Rejected, "{error:?}");
        assert!(!error.may_have_landed(), "{error:?}");
    }
    assert_eq!(direct.hlen(&name).await.unwrap(), 1);
}

#[tokio::test]
async fn a_text_that_is_no_record_is_called_that_and_left_alone() {
    let store = connect(&REDIS.url()).await;
    let (key, owner) = (key(), lease(LONG));
    let (mut direct, name) = name_of(&key).await;
    direct.set(&name, "a text").await.unwrap();
    let error = store.claim(&key, &owner).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error:?}");
    assert_eq!(complete(&store, &key, &owner).await, Fenced::Lost);
    assert_eq!(store.release(&key, &owner).await.unwrap(), Fenced::Lost);
    assert_eq!(direct.get(&name).await.unwrap().unwrap(), "a text");

    // Nor is an empty text an absent one.
    direct.set(&name, "").await.unwrap();
    let error = store.claim(&key, &owner).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error:?}");
    assert_eq!(complete(&store, &key, &owner).await, Fenced::Lost);
    assert_eq!(direct.get(&name).await.unwrap().unwrap(), "");
}

#[tokio::test]
async fn a_user_who_may_not_write_is_told_so() {
    let server = Redis::start().unwrap();
    let user = [
        "shop", "on", ">pw", "~idem:*", "+@all", "-set", "-pexpire", "-del",
    ];
    let words = [&["ACL", "SETUSER"], &user[..]].concat();
    server.command(&words).unwrap();
    let url = format!("redis://shop:pw@127.0.0.1:{}", server.port());
    let store = connect(&url).await;
    let (key, owner) = (key(), lease(LONG));
    let error = store.claim(&key, &owner).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected, "{error:?}");
    let other = connect(&server.url()).await;
    assert_eq!(other.look_up(&key).await.unwrap(), None);
    assert_eq!(other.claim(&key, &owner).await.unwrap(), Claim::Owned);
    for answer in [
        store.renew(&key, &owner).await,
        store.release(&key, &owner).await,
        store.complete(&key, &owner, &response(b"1"), LONG).await,
    ] {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Rejected, "{error:?}");
    }
    assert_eq!(other.renew(&key, &owner).await.unwrap(), Fenced::Held);
}

#[tokio::test]
async fn a_completion_that_is_refused_leaves_the_lease_as_long_as_it_was() {
    let server = Redis::start().unwrap();
    let words = [
        "ACL", "SETUSER", "shop", "on", ">pw", "~idem:*", "+@all", "-set",
    ];
    server.command(&words).unwrap();
    let store = connect(&format!("redis://shop:pw@127.0.0.1:{}", server.port())).await;
    let other = connect(&server.url()).await;
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(other.claim(&key, &owner).await.unwrap(), Claim::Owned);
    let outcome = response(b"1");
    let completed = store.complete(&key, &owner, &outcome, 10 * LONG).await;
    let error = completed.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected, "{error:?}");
    let found = other.look_up(&key).await.unwrap().unwrap();
    assert!(matches!(found.record(), Record::Pending(_)), "{found:?}");
    assert!(found.remaining().unwrap() <= LONG, "{found:?}");
}
