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

/// After how long a call that its caller gave up says something about the connection, and not about the caller.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// How often the connection is replaced at most: a replica answers READONLY to each call.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection manager, and another one where the manager would keep what is of no use.
///
/// The manager connects again when a connection breaks. It keeps one that leads to a server that is a
/// replica by now, and one that died silently. It also keeps the failure of an attempt to connect: for the next
/// call if nobody listened, and for ever if the server itself refused, for example because of the password.
pub(crate) struct OwnLink {
    client: Client,
    config: ConnectionManagerConfig,
    call_timeout: Duration,
    current: Mutex<Current>,
    silent: AtomicU32,
}

struct Current {
    manager: ConnectionManager,
    replaced: Option<Instant>,
    of_no_use: bool,
}

impl OwnLink {
    /// Connects when it must.
    pub(crate) fn new(client: Client, call_timeout: Duration) -> RedisResult<Self> {
        // A call that finds no server fails soon, and the next one tries again.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(2)
            .set_min_delay(call_timeout / 16)
            .set_max_delay(call_timeout / 8)
            // Before the call is over, so that a failure to connect is reported as one.
            .set_connection_timeout(Some(call_timeout / 4 * 3))
            .set_response_timeout(Some(call_timeout));
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        let current = Current {
            manager,
            replaced: None,
            of_no_use: false,
        };
        Ok(Self {
            client,
            config,
            call_timeout,
            current: Mutex::new(current),
            silent: AtomicU32::new(0),
        })
    }

    /// The manager for a call: another one if the last one is of no use.
    fn manager(&self) -> ConnectionManager {
        let mut current = self.current();
        let is_too_soon = |replaced: Instant| replaced.elapsed() < PAUSE;
        if current.of_no_use && !current.replaced.is_some_and(is_too_soon) {
            let (client, config) = (self.client.clone(), self.config.clone());
            if let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config) {
                tracing::info!("replaced the connection to Redis");
                *current = Current {
                    manager,
                    replaced: Some(Instant::now()),
                    of_no_use: false,
                };
            }
        }
        current.manager.clone()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears how a call that began then ended.
    fn heard(&self, begun: Instant, error: Option<&RedisError>) {
        // One that comes early is that of an attempt to connect.
        if error.is_some_and(RedisError::is_timeout) && begun.elapsed() >= self.call_timeout {
            return self.was_silent();
        }
        self.silent.store(0, Ordering::Relaxed);
        if error.is_some_and(is_of_no_use) {
            self.give_up(begun);
        }
    }

    fn was_silent(&self) {
        let before = self.silent.fetch_add(1, Ordering::Relaxed);
        if before + 1 >= SILENT {
            self.silent.store(0, Ordering::Relaxed);
            self.give_up(Instant::now());
        }
    }

    /// Marks the connection that a call used which began then, unless it was replaced since.
    fn give_up(&self, begun: Instant) {
        let mut current = self.current();
        if current.replaced.is_none_or(|replaced| replaced <= begun) {
            current.of_no_use = true;
        }
    }
}

impl Link for OwnLink {
    fn send<'a>(&'a self, command: &'a Cmd) -> Sending<'a> {
        Box::pin(async move {
            let mut manager = self.manager();
            let waiting = Waiting {
                link: self,
                begun: Instant::now(),
                is_over: false,
            };
            let answer = send(&mut manager, command).await;
            waiting.heard(answer.as_ref().err());
            answer
        })
    }

    /// A manager connects again, and leaves it to its caller to send again.
    fn sends_again(&self) -> bool {
        false
    }
}

/// A call that waits for its answer. Dropped without one, it was given up.
struct Waiting<'a> {
    link: &'a OwnLink,
    begun: Instant,
    is_over: bool,
}

impl Waiting<'_> {
    fn heard(mut self, error: Option<&RedisError>) {
        self.is_over = true;
        self.link.heard(self.begun, error);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.begun.elapsed() >= PATIENCE.min(self.link.call_timeout / 2) {
            self.link.was_silent();
        }
    }
}

/// Whether it is better to connect again, perhaps to another server.
///
/// Only what a script alone is answered says that the connection is sound. Everything else may be what an attempt to
/// connect was answered, and a server has many words for that: HELLO gives WRONGPASS, NOAUTH or NOPERM, a proxy its own.
fn is_of_no_use(error: &RedisError) -> bool {
    use ServerErrorKind as Server;
    match error.kind() {
        ErrorKind::Server(
            Server::NoScript
            | Server::Moved
            | Server::Ask
            | Server::TryAgain
            | Server::ClusterDown
            | Server::CrossSlot,
        ) => false,
        ErrorKind::Extension => !matches!(
            error.code(),
            Some("OOM" | "WRONGTYPE" | "MISCONF" | "NOREPLICAS" | "BUSY")
        ),
        _ => true,
    }
}
