#![forbid(unsafe_code)]
//! Servers that tests start for themselves, from the packages of the system.
//!
//! A server is in a temporary folder of its own, listens on a free port of the loopback interface, and ends
//! with the process that started it, however that ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

mod dynamodb;
mod dynamodb_proxy;
mod faulty_proxy;
mod http_request;
mod port;
mod postgres;
mod postgres_relay;
mod redis;
mod redis_cluster;
mod redis_relay;
mod relay;
mod start_error;

pub use crate::{
    dynamodb::DynamoDb,
    dynamodb_proxy::{DynamoDbFault, DynamoDbProxy},
    faulty_proxy::{Fault, FaultyProxy},
    postgres::Postgres,
    postgres_relay::{Held, Relay, Sender},
    redis::Redis,
    redis_cluster::RedisCluster,
    redis_relay::RedisRelay,
    start_error::StartError,
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
