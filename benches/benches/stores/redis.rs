//! A Redis that the bench starts, if there is one to start.

use idem_redis::{ConnectError, RedisStore};
use test_servers::Redis;

/// Says why where there is none, so that nobody takes its figures for forgotten.
pub(crate) fn server() -> Option<Redis> {
    match Redis::start() {
        Ok(server) => Some(server),
        Err(error) => {
            eprintln!("store/redis is left out: {error}");
            None
        }
    }
}

pub(crate) async fn store(server: &Redis) -> Result<RedisStore, ConnectError> {
    RedisStore::builder(server.url()).connect().await
}
