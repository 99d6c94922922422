//! What a client sees through each adapter, with the records in Redis.

use std::{sync::LazyLock, thread};

use idem_core::{IdempotencyStore, store::OwnerToken};
use idem_http_tests::{Actix, Axum, Records};
use idem_redis::RedisStore;
use tokio::runtime::Runtime;

use crate::server::REDIS;

/// Stores are connected here, for the suite asks for one where nothing can be awaited.
static CONNECTING: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

#[derive(Clone)]
struct InRedis;

impl Records for InRedis {
    fn store() -> impl IdempotencyStore + Clone {
        let store = || CONNECTING.block_on(fresh());
        thread::spawn(store).join().unwrap()
    }
}

async fn fresh() -> RedisStore {
    // Keys that no other test has.
    let builder = RedisStore::builder(REDIS.url()).prefix(*OwnerToken::random().as_bytes());
    builder.connect().await.unwrap()
}

mod axum {
    idem_http_tests::http_tests!(super::Axum<super::InRedis>);
}

mod actix {
    idem_http_tests::http_tests!(super::Actix<super::InRedis>);
}
