//! Servers that a store refuses, each with what to change.

use std::{error::Error, time::Duration};

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced},
};
use idem_redis::{ConnectError, RedisBuilder, RedisStore};
use test_servers::Redis;
use tokio::time::{Instant, sleep};

use crate::server::{CLUSTER, LONG, REDIS, VALKEY, complete, key, lease};

async fn refused(builder: RedisBuilder) -> ConnectError {
    builder.connect().await.unwrap_err()
}

// S82
#[tokio::test]
async fn a_server_that_evicts_is_refused_unless_it_is_allowed_by_name() {
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let server = Redis::start_with(&["--maxmemory-policy", policy]).unwrap();
        let error = refused(RedisStore::builder(server.url())).await;
        assert!(matches!(error, ConnectError::Evicts { .. }), "{error:?}");
        let message = error.to_string();
        let helps = message.contains(policy) && message.contains("noeviction");
        assert!(helps && message.contains("allow_eviction"), "{message}");

        let allowed = RedisStore::builder(server.url()).allow_eviction();
        let store = allowed.connect().await.unwrap();
        assert_eq!(
            store.claim(&key(), &lease(LONG)).await.unwrap(),
            Claim::Owned
        );
    }
}

#[tokio::test]
async fn a_replica_is_refused() {
    let replica = Redis::start().unwrap();
    let primary = REDIS.port().to_string();
    replica
        .command(&["REPLICAOF", "127.0.0.1", &primary])
        .unwrap();
    let error = refused(RedisStore::builder(replica.url())).await;
    assert!(matches!(error, ConnectError::Replica), "{error:?}");
}

#[tokio::test]
async fn a_node_of_a_cluster_that_evicts_is_refused() {
    let node = &CLUSTER.nodes()[1];
    let connection = redis::cluster::ClusterClient::new(CLUSTER.urls()).unwrap();
    let connection = connection.get_async_connection().await.unwrap();
    node.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"])
        .unwrap();
    let error = refused(RedisStore::with_connection(connection.clone())).await;
    node.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"])
        .unwrap();
    assert!(matches!(error, ConnectError::Evicts { .. }), "{error:?}");
    assert!(
        RedisStore::with_connection(connection)
            .connect()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn each_node_of_a_cluster_is_refused_as_a_server_of_its_own() {
    for node in CLUSTER.nodes() {
        let error = refused(RedisStore::builder(node.url())).await;
        assert!(
            matches!(error, ConnectError::OneNodeOfACluster),
            "{error:?}"
        );
        let message = error.to_string();
        assert!(message.contains("`RedisStore::cluster`"), "{message}");
    }
}

#[tokio::test]
async fn a_cluster_of_one_node_is_a_server_like_another() {
    let server = Redis::start_with(&["--cluster-enabled", "yes"]).unwrap();
    let all = ["CLUSTER", "ADDSLOTSRANGE", "0", "16383"];
    server.command(&all).unwrap();
    let begun = Instant::now();
    let is_up = || {
        server
            .command(&["CLUSTER", "INFO"])
            .unwrap()
            .contains("cluster_state:ok")
    };
    while !is_up() {
        assert!(begun.elapsed() < LONG);
        sleep(Duration::from_millis(5)).await;
    }
    let store = RedisStore::builder(server.url()).connect().await.unwrap();
    let claimed = store.claim(&key(), &lease(LONG)).await;
    assert_eq!(claimed.unwrap(), Claim::Owned);
}

// S85
#[tokio::test]
async fn a_user_who_may_not_wait_for_replicas_is_refused_at_once() {
    let server = Redis::start().unwrap();
    let user = ["shop", "on", ">pw", "~idem:*", "+@all", "-wait"];
    server
        .command(&[&["ACL", "SETUSER"], &user[..]].concat())
        .unwrap();
    let url = format!("redis://shop:pw@127.0.0.1:{}", server.port());
    let builder = RedisStore::builder(url).confirm(1, Duration::from_millis(100));
    let error = refused(builder).await;
    assert!(error.to_string().contains("WAIT"), "{error}");
}

#[tokio::test]
async fn a_server_that_hides_its_settings_is_taken_only_by_name() {
    let server = Redis::start().unwrap();
    let user = ["shop", "on", ">pw", "~idem:*", "+@all", "-info"];
    server
        .command(&[&["ACL", "SETUSER"], &user[..]].concat())
        .unwrap();
    let url = format!("redis://shop:pw@127.0.0.1:{}", server.port());
    let error = refused(RedisStore::builder(url.as_str())).await;
    assert!(error.to_string().contains("INFO"), "{error}");
    let store = RedisStore::builder(url).allow_eviction().connect().await;
    let claimed = store.unwrap().claim(&key(), &lease(LONG)).await;
    assert_eq!(claimed.unwrap(), Claim::Owned);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_cause() {
    let gone = Redis::start().unwrap();
    let url = gone.url();
    drop(gone);
    let error = refused(RedisStore::builder(url)).await;
    assert!(error.to_string().starts_with("could not"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_user_who_may_not_run_scripts_is_refused_at_once() {
    let server = Redis::start().unwrap();
    server
        .command(&[
            "ACL",
            "SETUSER",
            "shop",
            "on",
            ">pw",
            "~idem:*",
            "+@all",
            "-@scripting",
        ])
        .unwrap();
    let url = format!("redis://shop:pw@127.0.0.1:{}", server.port());
    let error = refused(RedisStore::builder(url.as_str())).await;
    assert_eq!(error.to_string(), "could not run a script");
    // What the documentation says that it needs is enough.
    server
        .command(&[
            "ACL",
            "SETUSER",
            "shop",
            "reset",
            "on",
            ">pw",
            "~idem:*",
            "+evalsha",
            "+eval",
            "+info",
            "+get",
            "+set",
            "+pttl",
            "+pexpire",
            "+getrange",
            "+del",
        ])
        .unwrap();
    let store = RedisStore::builder(url).connect().await.unwrap();
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(store.renew(&key, &owner).await.unwrap(), Fenced::Held);
    assert_eq!(store.release(&key, &owner).await.unwrap(), Fenced::Held);
    assert_eq!(complete(&store, &key, &owner).await, Fenced::Held);
    assert!(store.look_up(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn a_password_is_in_no_message() {
    let url = "redis://:s3cret@127.0.0.1:1";
    let builder = RedisStore::builder(url);
    assert!(!format!("{builder:?}").contains("s3cret"));
    let error = refused(builder).await;
    assert!(
        !format!("{error:?} {error}").contains("s3cret"),
        "{error:?}"
    );
    let error = refused(RedisStore::builder("redis://:s3cret@host:port")).await;
    assert!(
        !format!("{error:?} {error}").contains("s3cret"),
        "{error:?}"
    );

    let server = Redis::start().unwrap();
    server
        .command(&["CONFIG", "SET", "requirepass", "s3cret"])
        .unwrap();
    let url = format!("redis://:s3cret@127.0.0.1:{}", server.port());
    let store = RedisStore::builder(url).connect().await.unwrap();
    assert!(!format!("{store:?}").contains("s3cret"));
    let url = format!("redis://:wr0ng@127.0.0.1:{}", server.port());
    let error = refused(RedisStore::builder(url)).await;
    assert!(!format!("{error:?} {error}").contains("wr0ng"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_repeats_the_password_in_its_refusal_is_not_quoted() {
    let server = Redis::start_with(&["--rename-command", "HELLO", ""]).unwrap();
    let url = format!("redis://:s3cret@127.0.0.1:{}?protocol=resp3", server.port());
    let error = refused(RedisStore::builder(url.as_str())).await;
    let told = format!("{error:?} {}", error.source().unwrap());
    assert!(told.contains("unknown command 'HELLO'"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    let error = refused(RedisStore::cluster([url])).await;
    let told = format!("{error:?} {}", error.source().unwrap());
    assert!(!told.contains("s3cret"), "{told}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let millisecond = Duration::from_millis(1);
    let short = RedisStore::builder(REDIS.url()).call_timeout(millisecond);
    let error = refused(short).await;
    assert!(
        matches!(error, ConnectError::CallTimeout { .. }),
        "{error:?}"
    );
    for (replicas, timeout) in [(0, 100), (1, 0), (1, 800)] {
        let timeout = timeout * millisecond;
        let error = refused(RedisStore::builder(REDIS.url()).confirm(replicas, timeout)).await;
        assert!(matches!(error, ConnectError::Confirm { .. }), "{error:?}");
    }
}

// S85
#[tokio::test]
async fn replicas_cannot_confirm_on_a_cluster_or_a_given_connection() {
    let cluster = RedisStore::cluster(CLUSTER.urls());
    let client = redis::Client::open(VALKEY.url()).unwrap();
    let given = client.get_connection_manager().await.unwrap();
    for builder in [cluster, RedisStore::with_connection(given)] {
        let error = refused(builder.confirm(1, Duration::from_millis(100))).await;
        assert!(matches!(error, ConnectError::Confirm { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_given_connection_and_a_prefix_of_its_own_work() {
    let client = redis::Client::open(VALKEY.url()).unwrap();
    let given = client.get_connection_manager().await.unwrap();
    let store = RedisStore::with_connection(given).prefix("shop:");
    let store = store.connect().await.unwrap();
    let other = RedisStore::with_client(client).connect().await.unwrap();
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(other.claim(&key, &lease(LONG)).await.unwrap(), Claim::Owned);
    assert_eq!(complete(&store, &key, &owner).await, Fenced::Held);
}
