//! Redis as the system's package has it, without persistence.

use idem_redis::RedisStore;
use test_servers::Redis;
use tokio::runtime::Runtime;

use super::{AnyError, Opened};

pub(super) fn open(runtime: &Runtime) -> Result<Opened, AnyError> {
    let server = Redis::start()?;
    let store = runtime.block_on(RedisStore::builder(server.url()).connect())?;
    Ok(Opened::behind(store, server))
}
