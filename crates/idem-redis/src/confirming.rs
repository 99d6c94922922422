//! Claims that replicas confirm, on connections of their own: `WAIT` blocks the connection that it is sent on.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    duration::milliseconds,
    failure::Failure,
    link::{Given, send},
    quoted::without_arguments,
    scripts::CLAIM,
};

/// How many claims are under way at once at most; the others wait for one of these connections.
const CONNECTIONS: usize = 16;

pub(crate) struct Confirming {
    client: Client,
    config: AsyncConnectionConfig,
    replicas: usize,
    timeout: Duration,
    idle: Mutex<Vec<MultiplexedConnection>>,
    free: Semaphore,
}

impl Confirming {
    pub(crate) fn new(
        client: Client,
        replicas: usize,
        timeout: Duration,
        call_timeout: Duration,
    ) -> Self {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(call_timeout))
            .set_response_timeout(Some(call_timeout));
        Self {
            client,
            config,
            replicas,
            timeout,
            idle: Mutex::default(),
            free: Semaphore::new(CONNECTIONS),
        }
    }

    /// Claims, and waits until enough replicas have an owned claim. The answer is the script's.
    pub(crate) async fn claim(
        &self,
        key: &[u8],
        arguments: &[&[u8]],
        deadline: Instant,
    ) -> Result<Value, Failure> {
        // Later, it would be cut off while it waits for replicas, with a claim that may stand.
        let latest = deadline.checked_sub(self.timeout).unwrap_or(deadline);
        let permit = timeout_at(latest, self.free.acquire()).await;
        if permit.is_err() || Instant::now() >= latest {
            return Err(Failure::Busy);
        }
        let claim = timeout_at(deadline, self.claim_on_one(key, arguments)).await;
        let answer = claim.unwrap_or(Err(Failure::Silent));
        if !matches!(answer, Ok(_) | Err(Failure::TooFewReplicas { .. })) {
            // What broke one connection may have broken all.
            self.idle().clear();
        }
        answer
    }

    async fn claim_on_one(&self, key: &[u8], arguments: &[&[u8]]) -> Result<Value, Failure> {
        let mut connection = self.connection().await?;
        let answer = CLAIM
            .call(&Given(connection.clone()), key, arguments)
            .await?;
        let confirmed = match answer {
            Value::Int(1) => Some(
                self.wait(&mut connection)
                    .await
                    .map_err(Failure::Unconfirmed)?,
            ),
            _ => None,
        };
        self.idle().push(connection);
        match confirmed {
            Some(Value::Int(confirmed)) if confirmed < self.wanted() => {
                let undone = false;
                Err(Failure::TooFewReplicas { confirmed, undone })
            }
            Some(Value::Int(_)) | None => Ok(answer),
            Some(_) => Err(Failure::Strange),
        }
    }

    /// Waits for replicas to have all that this connection wrote; the answer is how many do.
    async fn wait(&self, connection: &mut MultiplexedConnection) -> RedisResult<Value> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas).arg(milliseconds(self.timeout));
        send(connection, &wait).await
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let idle = self.idle().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => {
                let connecting = self
                    .client
                    .get_multiplexed_async_connection_with_config(&self.config);
                connecting.await.map_err(without_arguments)
            }
        }
    }

    fn wanted(&self) -> i64 {
        i64::try_from(self.replicas).unwrap_or(i64::MAX)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<MultiplexedConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Confirming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirming")
            .field("replicas", &self.replicas)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
