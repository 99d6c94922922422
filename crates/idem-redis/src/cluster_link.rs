//! The store's own connection to a cluster: its client repairs what breaks, and this replaces what falls silent.

use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    Cmd, RedisError, RedisResult, cluster::ClusterClient, cluster_async::ClusterConnection,
};
use tokio::{sync::Mutex as AsyncMutex, time::timeout};

use crate::{
    link::{Link, Sending, send},
    own_link::PATIENCE,
};

/// After how many calls without an answer the connections are replaced.
///
/// The client sends to a node that fell silent for as long as its connection stands, and asks nobody whether another
/// node took its place. Calls to the other nodes succeed meanwhile, so these need not come in a row.
const SILENT: u32 = 3;

/// For how many call timeouts a call without an answer counts, and how long they are left alone after they
/// were replaced: a cluster takes a while to promote a replica, and a slow one is not to be burdened with connections.
const MEMORY: u32 = 5;

type Connecting = Pin<Box<dyn Future<Output = RedisResult<ClusterConnection>> + Send>>;

pub(crate) struct ClusterLink {
    client: ClusterClient,
    call_timeout: Duration,
    current: Mutex<Current>,
    /// The reconnection. A call that has to leave it is followed by the next, which goes on with it.
    connecting: AsyncMutex<Option<Connecting>>,
}

struct Current {
    connection: ClusterConnection,
    replaced: Option<Instant>,
    silent: u32,
    first_silent: Instant,
    of_no_use: bool,
}

impl ClusterLink {
    pub(crate) fn new(
        client: ClusterClient,
        connection: ClusterConnection,
        call_timeout: Duration,
    ) -> Self {
        let current = Current {
            connection,
            replaced: None,
            silent: 0,
            first_silent: Instant::now(),
            of_no_use: false,
        };
        Self {
            client,
            call_timeout,
            current: Mutex::new(current),
            connecting: AsyncMutex::default(),
        }
    }

    /// The connection for a call. One call at a time connects again; the others take what there is, since most nodes
    /// may be well.
    async fn connection(&self) -> ClusterConnection {
        if self.current().of_no_use
            && let Ok(mut slot) = self.connecting.try_lock()
        {
            let connecting = slot.get_or_insert_with(|| connect(self.client.clone()));
            // It leaves the call half of its time.
            if let Ok(connected) = timeout(self.call_timeout / 2, connecting.as_mut()).await {
                *slot = None;
                self.replace(connected);
            }
        }
        self.current().connection.clone()
    }

    fn replace(&self, connected: RedisResult<ClusterConnection>) {
        let mut current = self.current();
        // Where nobody could be reached, as many silent calls again lead to the next attempt.
        current.of_no_use = false;
        current.silent = 0;
        if let Ok(connection) = connected {
            tracing::info!("replaced the connections to the Redis Cluster");
            current.connection = connection;
            current.replaced = Some(Instant::now());
        }
    }

    fn was_silent(&self, begun: Instant) {
        let memory = self.call_timeout.saturating_mul(MEMORY);
        let mut current = self.current();
        // It may have waited on the connection before.
        if current.replaced.is_some_and(|replaced| begun <= replaced) {
            return;
        }
        if current.silent == 0 || current.first_silent.elapsed() > memory {
            current.silent = 0;
            current.first_silent = Instant::now();
        }
        current.silent = current.silent.saturating_add(1);
        let is_too_soon = |replaced: Instant| replaced.elapsed() < memory;
        if current.silent >= SILENT && !current.replaced.is_some_and(is_too_soon) {
            current.of_no_use = true;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(client: ClusterClient) -> Connecting {
    Box::pin(async move { client.get_async_connection().await })
}

impl Link for ClusterLink {
    fn send<'a>(&'a self, command: &'a Cmd) -> Sending<'a> {
        Box::pin(async move {
            let mut connection = self.connection().await;
            let mut waiting = Waiting {
                link: self,
                begun: Instant::now(),
                is_silent: true,
            };
            let answer = send(&mut connection, command).await;
            waiting.is_silent = answer.as_ref().is_err_and(RedisError::is_timeout);
            answer
        })
    }

    fn sends_again(&self) -> bool {
        true
    }
}

/// A call that waits for its answer. It was silent if it is dropped before.
struct Waiting<'a> {
    link: &'a ClusterLink,
    begun: Instant,
    is_silent: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // One that its caller gave up at once says nothing of the connection.
        let patience = PATIENCE.min(self.link.call_timeout / 2);
        if self.is_silent && self.begun.elapsed() >= patience {
            self.link.was_silent(self.begun);
        }
    }
}
