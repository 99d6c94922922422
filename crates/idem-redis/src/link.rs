//! A way to the server.

use std::{future::Future, pin::Pin};

use redis::{Cmd, RedisResult, Value, aio::ConnectionLike};

use crate::quoted::without_arguments;

pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = RedisResult<Value>> + Send + 'a>>;

pub(crate) trait Link: Send + Sync {
    /// Sends a command, and waits for its answer.
    fn send<'a>(&'a self, command: &'a Cmd) -> Sending<'a>;

    /// Whether it may send a command again by itself. An error then speaks of the last attempt only.
    fn sends_again(&self) -> bool;
}

/// A connection that somebody else built, and that repairs itself or does not.
pub(crate) struct Given<C>(pub(crate) C);

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Link for Given<C> {
    fn send<'a>(&'a self, command: &'a Cmd) -> Sending<'a> {
        // Clones share the connection.
        let mut connection = self.0.clone();
        Box::pin(async move { send(&mut connection, command).await })
    }

    /// Nobody knows, and a cluster's does.
    fn sends_again(&self) -> bool {
        true
    }
}

pub(crate) async fn send(
    connection: &mut impl ConnectionLike,
    command: &Cmd,
) -> RedisResult<Value> {
    // What the server answers with an error is a value to a connection.
    let answer = connection.req_packed_command(command).await;
    answer
        .and_then(Value::extract_error)
        .map_err(without_arguments)
}
