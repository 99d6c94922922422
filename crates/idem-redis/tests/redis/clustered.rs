//! Clients that send again by themselves, as a cluster's does, between the store and the server.

use std::time::Duration;

use idem_core::{
    IdempotencyStore,
    store::{Claim, StoreErrorKind},
};
use idem_redis::RedisStore;
use redis::{
    Cmd, Pipeline, RedisFuture, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use test_servers::{Redis, RedisCluster, RedisRelay};
use tokio::time::{Instant, sleep};

use crate::server::{LONG, REDIS, key, lease, teach};

/// A cluster of one node, which tells clients to come by the relay.
async fn node_behind_a_relay() -> (Redis, RedisRelay) {
    let relay = RedisRelay::to(0).unwrap();
    let url = relay.url();
    let (_, port) = url.rsplit_once(':').unwrap();
    let server = Redis::start_with(&[
        "--cluster-enabled",
        "yes",
        "--cluster-announce-ip",
        "127.0.0.1",
        "--cluster-announce-port",
        port,
    ])
    .unwrap();
    relay.lead_to(server.port());
    let all = ["CLUSTER", "ADDSLOTSRANGE", "0", "16383"];
    server.command(&all).unwrap();
    let begun = Instant::now();
    let info = || server.command(&["CLUSTER", "INFO"]).unwrap();
    while !info().contains("cluster_state:ok") {
        assert!(begun.elapsed() < LONG, "{}", info());
        sleep(Duration::from_millis(5)).await;
    }
    (server, relay)
}

/// A connection whose client loses the first answer, sends again, and is refused then.
#[derive(Clone)]
struct SendsAgain {
    connection: MultiplexedConnection,
    refusal: ServerErrorKind,
}

impl ConnectionLike for SendsAgain {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = self.connection.req_packed_command(command).await?;
            let is_claim = command.args_iter().count() == 6;
            match answer {
                Value::Int(_) if is_claim => Err((self.refusal.into(), "sent again").into()),
                answer => Ok(answer),
            }
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.connection.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

// S83
#[tokio::test]
async fn a_claim_that_a_connection_sent_again_may_have_landed_the_first_time() {
    let client = redis::Client::open(REDIS.url()).unwrap();
    for refusal in [
        ServerErrorKind::ClusterDown,
        ServerErrorKind::BusyLoading,
        ServerErrorKind::NoPerm,
    ] {
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let connection = SendsAgain {
            connection,
            refusal,
        };
        let store = RedisStore::with_connection(connection);
        let store = store.connect().await.unwrap();
        let (key, owner) = (key(), lease(LONG));
        let error = store.claim(&key, &owner).await.unwrap_err();
        assert!(store.look_up(&key).await.unwrap().is_some(), "it landed");
        assert!(error.may_have_landed(), "{error:?}");
    }
}

// S83, S86
#[tokio::test]
async fn a_network_that_forgot_the_connections_of_a_cluster() {
    const CALL: Duration = Duration::from_millis(200);
    let (_server, relay) = node_behind_a_relay().await;
    let builder = RedisStore::cluster([relay.url()]).call_timeout(CALL);
    let store = builder.connect().await.unwrap();
    teach(&store).await;
    relay.silence();
    let (key, owner) = (key(), lease(LONG));
    for _ in 0..3 {
        let error = store.claim(&key, &owner).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error:?}");
        assert!(error.may_have_landed(), "{error:?}");
    }
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
}

// S83, S86
#[tokio::test]
async fn a_cluster_goes_on_with_the_replica_of_a_primary_that_stands_still() {
    let cluster = RedisCluster::start_with_replica().unwrap();
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    let [primary, .., replica] = cluster.nodes() else {
        panic!("it has a primary and its replica");
    };
    primary.stand_still().unwrap();
    let begun = Instant::now();
    let is_promoted = || {
        let info = replica.command(&["INFO", "replication"]).unwrap();
        info.contains("role:master")
    };
    while !is_promoted() {
        assert!(begun.elapsed() < LONG);
        sleep(Duration::from_millis(20)).await;
    }
    // A third of the keys is on the node that stands still, and the others are answered meanwhile.
    let mut in_a_row = 0;
    while in_a_row < 20 {
        in_a_row = match store.claim(&key(), &lease(LONG)).await {
            Ok(_) => in_a_row + 1,
            Err(_) => 0,
        };
        assert!(begun.elapsed() < LONG, "it never works again");
    }
    primary.go_on().unwrap();
}
