//! The store's own connection: it comes back by itself after whatever cut it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{
    Client, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::link::{Link, Sending, send};

/// After how many calls in a row without an answer the connection is replaced.
///
/// One or two happen when the server is slow. On a connection that died silently every call is lost, and
/// the manager does not take a timeout for a broken connection.
const SILENT: u32 = 3;

/// How often the connection is replaced at most: a replica answers READONLY to each call.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection manager, and another one where the manager would keep a connection that is of no use.
///
/// The manager connects again when a connection breaks. It keeps one that leads to a server that is a
/// replica by now, one that died silently, and the failure of an attempt that the server itself refused, for
/// example since it had too many clients.
pub(crate) struct OwnLink {
    client: Client,
    config: ConnectionManagerConfig,
    current: Mutex<Current>,
    silent: AtomicU32,
}

struct Current {
    manager: ConnectionManager,
    since: Instant,
}

impl OwnLink {
    /// Connects when it must.
    pub(crate) fn new(client: Client, call_timeout: Duration) -> RedisResult<Self> {
        // A call that finds no server fails soon, and the next one tries again.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(2)
            .set_min_delay(call_timeout / 16)
            .set_max_delay(call_timeout / 8)
            .set_connection_timeout(Some(call_timeout))
            .set_response_timeout(Some(call_timeout));
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        let since = Instant::now();
        Ok(Self {
            client,
            config,
            current: Mutex::new(Current { manager, since }),
            silent: AtomicU32::new(0),
        })
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears how a call that began then ended.
    fn heard(&self, begun: Instant, error: Option<&RedisError>) {
        if error.is_some_and(RedisError::is_timeout) {
            return self.was_silent();
        }
        self.silent.store(0, Ordering::Relaxed);
        if error.is_some_and(is_of_no_use) {
            self.replace(begun);
        }
    }

    /// Replaces the connection, unless that was done since the call began.
    fn replace(&self, begun: Instant) {
        let mut current = self.current();
        if begun < current.since || current.since.elapsed() < PAUSE {
            return;
        }
        let manager =
            ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone());
        if let Ok(manager) = manager {
            tracing::info!("replaced the connection to Redis");
            current.manager = manager;
            current.since = Instant::now();
        }
    }
}

impl Link for OwnLink {
    fn send<'a>(&'a self, command: &'a Cmd) -> Sending<'a> {
        Box::pin(async move {
            let mut manager = self.current().manager.clone();
            let begun = Instant::now();
            let answer = send(&mut manager, command).await;
            self.heard(begun, answer.as_ref().err());
            answer
        })
    }

    fn was_silent(&self) {
        let before = self.silent.fetch_add(1, Ordering::Relaxed);
        if before + 1 >= SILENT {
            self.silent.store(0, Ordering::Relaxed);
            self.replace(Instant::now());
        }
    }
}

/// Whether it is better to connect again, perhaps to another server.
fn is_of_no_use(error: &RedisError) -> bool {
    use ServerErrorKind as Server;
    match error.kind() {
        // The server is a replica by now.
        ErrorKind::Server(Server::ReadOnly | Server::MasterDown) => true,
        // The manager keeps what a server answered when it connected.
        ErrorKind::Server(Server::BusyLoading | Server::ResponseError)
        | ErrorKind::AuthenticationFailed => true,
        _ => false,
    }
}
