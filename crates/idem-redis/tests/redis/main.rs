//! The store on servers that these tests start.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[cfg(feature = "redis-tests")]
mod abandoned;
#[cfg(feature = "redis-tests")]
mod chaos;
#[cfg(feature = "redis-tests")]
mod clustered;
#[cfg(feature = "redis-tests")]
mod connecting;
#[cfg(feature = "redis-tests")]
mod contract;
#[cfg(feature = "redis-tests")]
mod disturbed;
#[cfg(feature = "redis-tests")]
mod extremes;
#[cfg(feature = "redis-tests")]
mod failover;
#[cfg(feature = "redis-tests")]
mod http;
#[cfg(feature = "redis-tests")]
mod loading;
#[cfg(feature = "redis-tests")]
mod processes;
#[cfg(feature = "redis-tests")]
mod round_trips;
#[cfg(feature = "redis-tests")]
mod server;
#[cfg(feature = "redis-tests")]
mod tls;

#[cfg(not(feature = "redis-tests"))]
#[test]
#[ignore = "left out: they start Redis and Valkey, and need `--features redis-tests`"]
fn all_tests_on_redis() {}
