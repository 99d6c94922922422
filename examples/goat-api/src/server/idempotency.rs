//! The flags as a store and a policy.

use std::error::Error;
use std::sync::Arc;

use idem_core::event::{Event, Observer};
use idem_core::store::Operation;
use idem_core::{Idempotency, MemoryStore, Policy, RecordKey};

use crate::cli::{Cli, Profile, Store};
use crate::database::Database;
use crate::web::operations::OutcomeObserver;

/// What the market's routes are put under, and the store if it is in memory; `None` if the records are to
/// be in the market's database.
pub(super) async fn elsewhere(
    cli: &Cli,
) -> Result<Option<(Idempotency, Option<MemoryStore>)>, StoreError> {
    match cli.store {
        Store::Database => Ok(None),
        Store::Memory => {
            let store = MemoryStore::new();
            let idempotency = Idempotency::new(store.clone(), policy(cli));
            Ok(Some((idempotency, Some(store))))
        }
        Store::Momento => Ok(Some((momento::start(cli).await?, None))),
        Store::Redis => Ok(Some((redis::start(cli).await?, None))),
    }
}

/// The policy of routes whose records are in the market's database.
pub(super) fn beside(database: Arc<dyn Database>, cli: &Cli) -> Policy {
    policy(cli).observer(WriteObserver(database))
}

/// Tells the database, too, of a record that it could not write: that is how it learns that its disk is full.
#[derive(Debug)]
struct WriteObserver(Arc<dyn Database>);

impl Observer for WriteObserver {
    fn observe(&self, key: &RecordKey, event: &Event<'_>) {
        OutcomeObserver.observe(key, event);
        let failed = match event {
            Event::StoreCalled {
                operation, error, ..
            } => error.is_some() && *operation != Operation::LookUp,
            Event::RolledBack(why) => why.is_some(),
            _ => false,
        };
        if failed {
            self.0.write_failed();
        }
    }
}

fn policy(cli: &Cli) -> Policy {
    let policy = match cli.profile {
        Profile::Reference => Policy::reference(),
        Profile::Ietf => Policy::ietf(),
        Profile::Stripe => Policy::stripe(),
    };
    policy
        .retention(cli.retention)
        .lease(cli.lease)
        .observer(OutcomeObserver)
}

/// Why the idempotency records have no place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// This build has no such store.
    #[error("this build has no {0:?}")]
    NotBuilt(Store),
    /// The key is missing.
    #[error("there is no Momento API key")]
    KeyMissing,
    /// This build cannot read secrets.
    #[error("this build has no AWS Secrets Manager")]
    SecretNotBuilt,
    /// The secret has no key to give.
    #[error("cannot read the Momento API key from the secret {name}")]
    Secret {
        /// What was asked for.
        name: String,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store could not be reached, or does not fit.
    #[error("Momento refused")]
    Momento(#[source] Box<dyn Error + Send + Sync>),
    /// The server could not be reached, or would not keep the records.
    #[error("cannot keep records in {url}")]
    Redis {
        /// What was asked for, without the password.
        url: String,
        /// What is wrong.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::NotBuilt(Store::Redis) => "build with `--features redis`, or try --store memory",
            Self::NotBuilt(_) => "build with `--features momento`, or try --store memory",
            Self::KeyMissing => "set MOMENTO_API_KEY or --momento-secret, or try --store memory",
            Self::SecretNotBuilt => {
                "build with `--features lambda`, or set MOMENTO_API_KEY instead of --momento-secret"
            }
            Self::Secret { .. } => {
                "check --momento-secret, its region, and that this role may call \
                 secretsmanager:GetSecretValue for it"
            }
            Self::Momento(_) => {
                "check MOMENTO_API_KEY, MOMENTO_ENDPOINT and --retention, or try --store memory"
            }
            Self::Redis { .. } => {
                "check GOAT_REDIS_URL, written as redis://user:password@host:6379/0, and the server, or try \
                 --store memory"
            }
        }
    }
}

#[cfg(not(feature = "momento"))]
mod momento {
    use super::{Cli, Idempotency, Store, StoreError};

    #[expect(clippy::unused_async, reason = "it stands in for one that is")]
    pub(super) async fn start(_: &Cli) -> Result<Idempotency, StoreError> {
        Err(StoreError::NotBuilt(Store::Momento))
    }
}

#[cfg(feature = "momento")]
mod momento;

#[cfg(not(feature = "redis"))]
mod redis {
    use super::{Cli, Idempotency, Store, StoreError};

    #[expect(clippy::unused_async, reason = "it stands in for one that is")]
    pub(super) async fn start(_: &Cli) -> Result<Idempotency, StoreError> {
        Err(StoreError::NotBuilt(Store::Redis))
    }
}

#[cfg(feature = "redis")]
mod redis;
