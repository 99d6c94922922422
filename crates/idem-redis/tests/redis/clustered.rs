//! Clients that send again by themselves, as a cluster's does, between the store and the server.

use idem_core::IdempotencyStore;
use idem_redis::RedisStore;
use redis::{
    Cmd, Pipeline, RedisFuture, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

use crate::server::{LONG, REDIS, key, lease};

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
