//! What can be wrong with a server before the first request.

use std::time::Duration;

use redis::RedisError;

/// Why a server cannot keep the records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server or the way to it failed.
    #[error("could not {action}")]
    Redis {
        /// What was being done.
        action: &'static str,
        /// The client's error.
        source: RedisError,
    },
    /// The address asks for TLS, which this build has not.
    #[error("the address asks for TLS; build idem-redis with its feature `tls-rustls`")]
    NoTls,
    /// The server gave no answer.
    #[error("could not {action}: no answer in {} seconds", timeout.as_secs())]
    Timeout {
        /// What was being done.
        action: &'static str,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// The server drops records to make room, and a request whose record is dropped runs again.
    #[error(
        "the server evicts records when it is full (maxmemory-policy {policy}); set maxmemory-policy to \
         noeviction, use a server of its own for the records, or accept that with `RedisBuilder::allow_eviction`"
    )]
    Evicts {
        /// Its `maxmemory-policy`; empty if it does not tell.
        policy: String,
    },
    /// The server takes no writes.
    #[error("the server is a replica, which takes no writes; connect to its primary")]
    Replica,
    /// The server is one of several in a Redis Cluster, and refuses the keys of the others.
    #[error(
        "the server is one node of a Redis Cluster, and the others keep the rest of the keys; connect by \
         `RedisStore::cluster`, which needs the feature `cluster` of idem-redis"
    )]
    OneNodeOfACluster,
    /// The server is too old.
    #[error("the server has version {found}, and the store needs Redis 6.2, Valkey 7.2 or newer")]
    TooOld {
        /// Its version.
        found: String,
    },
    /// The call timeout is too short or too long.
    #[error(
        "the call timeout of {} ms is not between 20 ms and 1 hour; it should be a little less than \
         the policy gives a call: half of its store timeout, and a third of the lease",
        timeout.as_millis()
    )]
    CallTimeout {
        /// What was asked for.
        timeout: Duration,
    },
    /// Replicas cannot confirm claims in this way.
    #[error("replicas cannot confirm claims: {why}")]
    Confirm {
        /// What stands in the way, and what would be right.
        why: &'static str,
    },
}
