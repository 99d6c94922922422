//! What can be set of the store, and how it is made.

use std::{fmt, time::Duration};

use idem_core::store::StoreIdentity;
use redis::{Client, IntoConnectionInfo, RedisError, RedisResult, aio::ConnectionLike};

use crate::{
    ConnectError, RedisStore,
    check::{check, check_wait},
    confirming::Confirming,
    link::{Given, Link},
    own_link::OwnLink,
    store::Inner,
    tls,
};

/// A header's byte takes up to six in a record, and strings end at 512 MB.
const MOST_RECORD_BYTES: usize = 64 * 1024 * 1024;

const SHORTEST_CALL: Duration = Duration::from_millis(20);
const LONGEST_CALL: Duration = Duration::from_secs(60 * 60);

/// Sets up a [`RedisStore`].
#[must_use]
pub struct RedisBuilder {
    source: Source,
    prefix: Vec<u8>,
    call_timeout: Duration,
    max_record_bytes: usize,
    allow_eviction: bool,
    confirm: Option<(usize, Duration)>,
}

enum Source {
    Client(Box<RedisResult<Client>>),
    #[cfg(feature = "cluster")]
    Cluster(RedisResult<Vec<redis::ConnectionInfo>>),
    Given(Box<dyn Link>),
}

impl RedisStore {
    /// Sets up a store on one server, or on one endpoint that leads to the primary of several: by a URL like
    /// `redis://:password@host:6379/0`, or `rediss://` with the feature `tls-rustls`. It gets a connection of its
    /// own, which comes back by itself after a restart, a failover or a cut.
    pub fn builder(url: impl IntoConnectionInfo) -> RedisBuilder {
        RedisBuilder::new(Source::Client(Box::new(Client::open(url))))
    }

    /// Sets up a store by a client, for example one with certificates of its own.
    pub fn with_client(client: Client) -> RedisBuilder {
        RedisBuilder::new(Source::Client(Box::new(Ok(client))))
    }

    /// Sets up a store on a Redis Cluster, by the URLs of some of its nodes.
    #[cfg(feature = "cluster")]
    pub fn cluster<U: IntoConnectionInfo>(urls: impl IntoIterator<Item = U>) -> RedisBuilder {
        let urls = urls.into_iter().map(U::into_connection_info);
        RedisBuilder::new(Source::Cluster(urls.collect()))
    }

    /// Sets up a store on a connection that exists: a `ConnectionManager`, a cluster's connection, or anything
    /// else whose clones share it.
    ///
    /// The store bounds its calls, and leaves the connection's own retries and reconnecting to it. Because such a retry
    /// may hide an attempt that landed, most failures are told as ones that may have landed. A
    /// `MultiplexedConnection` never connects again. A `ConnectionManager` does so when a connection breaks, and
    /// neither when its server became a replica, nor when it fell silent.
    pub fn with_connection(
        connection: impl ConnectionLike + Clone + Send + Sync + 'static,
    ) -> RedisBuilder {
        RedisBuilder::new(Source::Given(Box::new(Given(connection))))
    }
}

impl RedisBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            prefix: b"idem:".to_vec(),
            // The default policy gives a call 1 s.
            call_timeout: Duration::from_millis(900),
            max_record_bytes: 4 * 1024 * 1024,
            allow_eviction: false,
            confirm: None,
        }
    }

    /// Sets what the names of records begin with: `idem:` unless set. 32 bytes of the record key follow.
    pub fn prefix(mut self, prefix: impl Into<Vec<u8>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Bounds each call of the store, connecting included: 900 ms unless set.
    ///
    /// It must be shorter than the policy gives a call, which is half of its `store_timeout` (1 s) and a
    /// third of the lease.
    pub const fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Sets the largest response that is kept: 4 MiB unless set, and 64 MiB at most. While the server
    /// handles a large record, it handles nothing else.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        self.max_record_bytes = bytes.min(MOST_RECORD_BYTES);
        self
    }

    /// Accepts a server that evicts records when it is full, or does not tell whether it does, for example because the
    /// user may not run `INFO`. A request whose record was evicted runs again; a warning says so at each start.
    pub const fn allow_eviction(mut self) -> Self {
        self.allow_eviction = true;
        self
    }

    /// Lets a claim execute only once so many replicas have it, for which it waits at most `timeout`. With
    /// fewer the claim is undone and refused, so the client gets 503.
    ///
    /// Without it, a failover may lose the last claims, since replication is asynchronous; a request whose
    /// claim was lost may run twice. With it that takes the loss of a primary *and* the promotion of a
    /// replica that did not confirm. It narrows the gap, and does not close it.
    ///
    /// A claim then takes 2 round trips and the way to the replicas, on one of 16 connections that the store
    /// opens for them. Completions are not confirmed. It needs a store [by URL](RedisStore::builder) or
    /// [by client](RedisStore::with_client), and a `timeout` of half a [call's](Self::call_timeout) at most.
    pub const fn confirm(mut self, replicas: usize, timeout: Duration) -> Self {
        self.confirm = Some((replicas, timeout));
        self
    }

    /// Connects, checks that the server keeps records until their time and takes writes, and gives the store.
    /// 2 round trips, 3 with [`confirm`](Self::confirm), and 15 more if the server runs in cluster mode; some more to
    /// connect, and another one if the server does not know the scripts.
    ///
    /// # Errors
    /// See [`ConnectError`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn connect(self) -> Result<RedisStore, ConnectError> {
        let call_timeout = self.call_timeout;
        if !(SHORTEST_CALL..=LONGEST_CALL).contains(&call_timeout) {
            let timeout = call_timeout;
            return Err(ConnectError::CallTimeout { timeout });
        }
        let (link, client) = connect(self.source, call_timeout).await?;
        let confirming = match self.confirm {
            None => None,
            Some((replicas, timeout)) => Some(confirming(client, replicas, timeout, call_timeout)?),
        };
        check(&*link, &self.prefix, self.allow_eviction).await?;
        if confirming.is_some() {
            check_wait(&*link).await?;
        }
        Ok(RedisStore::new(Inner {
            link,
            confirming,
            prefix: self.prefix,
            call_timeout,
            max_record_bytes: self.max_record_bytes,
            identity: StoreIdentity::unique(),
        }))
    }
}

/// Gives the way to the server, and a client that opens more of them if there is one.
async fn connect(
    source: Source,
    call_timeout: Duration,
) -> Result<(Box<dyn Link>, Option<Client>), ConnectError> {
    match source {
        Source::Client(client) => {
            let client = (*client).map_err(unusable)?;
            tls::prepare(client.get_connection_info());
            let link = OwnLink::new(client.clone(), call_timeout).map_err(unusable)?;
            Ok((Box::new(link), Some(client)))
        }
        #[cfg(feature = "cluster")]
        Source::Cluster(urls) => {
            let urls = urls.map_err(unusable)?;
            urls.iter().for_each(tls::prepare);
            let client = redis::cluster::ClusterClientBuilder::new(urls)
                // Redirections count as retries.
                .retries(3)
                .min_retry_wait(20)
                .max_retry_wait(100)
                .connection_timeout(call_timeout)
                .response_timeout(call_timeout / 2)
                .overall_response_timeout(Some(call_timeout))
                .build()
                .map_err(unusable)?;
            let connecting = client.get_async_connection();
            let connection = crate::check::bounded("connect to the cluster", connecting).await?;
            let link = crate::cluster_link::ClusterLink::new(client, connection, call_timeout);
            Ok((Box::new(link), None))
        }
        Source::Given(link) => Ok((link, None)),
    }
}

fn confirming(
    client: Option<Client>,
    replicas: usize,
    timeout: Duration,
    call_timeout: Duration,
) -> Result<Confirming, ConnectError> {
    let refused = |why| Err(ConnectError::Confirm { why });
    let Some(client) = client else {
        return refused(
            "WAIT blocks its connection, and a cluster's goes to all primaries; use a URL or a client of one server",
        );
    };
    if replicas == 0 {
        return refused("none were asked for; name at least 1, or leave `confirm` out");
    }
    if timeout.is_zero() || timeout > call_timeout / 2 {
        return refused(
            "the timeout must be above zero, and at most half of the call timeout, so that the claim is undone within it",
        );
    }
    Ok(Confirming::new(client, replicas, timeout, call_timeout))
}

fn unusable(source: RedisError) -> ConnectError {
    // The client names no feature of this crate.
    if cfg!(not(feature = "tls-rustls")) && source.to_string().contains("TLS") {
        return ConnectError::NoTls;
    }
    let action = "use the address of the server";
    ConnectError::Redis { action, source }
}

impl fmt::Debug for RedisBuilder {
    /// Without the address, which holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder")
            .field("call_timeout", &self.call_timeout)
            .field("max_record_bytes", &self.max_record_bytes)
            .field("allow_eviction", &self.allow_eviction)
            .field("confirm", &self.confirm)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(feature = "tls-rustls")))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_over_tls_is_refused_with_the_feature_that_it_needs() {
        let builder = RedisStore::builder("rediss://:s3cret@127.0.0.1");
        let error = builder.connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::NoTls), "{error:?}");
        assert!(error.to_string().contains("`tls-rustls`"), "{error}");
    }
}
