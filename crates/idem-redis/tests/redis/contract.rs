//! The store contract, with two clients of one server or of one cluster.

use std::time::Duration;

use idem_core::LocalCache;
use idem_redis::RedisStore;
use idem_store_tests::Fixture;
use test_servers::{Redis, RedisRelay};

use crate::server::{CLUSTER, REDIS, VALKEY, connect};

/// Two clients, and answers that are lost on demand.
async fn two_clients(server: &Redis) -> Fixture {
    let relay = RedisRelay::to(server.port()).unwrap();
    let (store, other) = (connect(&relay.url()).await, connect(&server.url()).await);
    Fixture::new(store)
        .client(other)
        .crowd(300)
        .faults(move |_| relay.cut_after_script())
}

async fn two_clients_of_a_cluster() -> Fixture {
    let store = async || RedisStore::cluster(CLUSTER.urls()).connect().await.unwrap();
    Fixture::new(store().await).client(store().await).crowd(300)
}

// S86
mod redis {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::two_clients(&super::REDIS).await,
    }
}

mod valkey {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::two_clients(&super::VALKEY).await,
    }
}

// S86
mod cluster {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::two_clients_of_a_cluster().await,
    }
}

mod behind_a_cache {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::cached().await,
    }
}

async fn cached() -> Fixture {
    Fixture::new(LocalCache::new(connect(&REDIS.url()).await)).crowd(300)
}

/// The largest record is a small one, which the suite tries in full.
mod small_records {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::of_small_records().await,
    }
}

async fn of_small_records() -> RedisStore {
    let builder = RedisStore::builder(REDIS.url()).max_record_bytes(10_000);
    let builder = builder.call_timeout(Duration::from_secs(5));
    builder.connect().await.unwrap()
}
