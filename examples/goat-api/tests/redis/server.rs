//! One server for all tests of this program, and names that only one of them has.

use std::sync::LazyLock;

use idem_redis::RedisStore;
use test_servers::Redis;
use uuid::Uuid;

static SERVER: LazyLock<Redis> = LazyLock::new(|| Redis::start().unwrap());

/// A store without records.
pub(crate) async fn fresh_store() -> RedisStore {
    let builder = RedisStore::builder(SERVER.url()).prefix(Uuid::now_v7());
    builder.connect().await.unwrap()
}
