//! The flags as a store and a policy.

use std::error::Error;

use idem_core::{Idempotency, MemoryStore, Policy};

use crate::cli::{Cli, Profile, Store};
use crate::web::operations::OutcomeObserver;

/// What the market's routes are put under, and the store if it is in memory.
pub(super) async fn start(cli: &Cli) -> Result<(Idempotency, Option<MemoryStore>), StoreError> {
    match cli.store {
        Store::Memory => {
            let store = MemoryStore::new();
            Ok((Idempotency::new(store.clone(), policy(cli)), Some(store)))
        }
        Store::Momento => Ok((momento::start(cli).await?, None)),
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
    #[error("this build has no Momento")]
    NotBuilt,
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
}

impl StoreError {
    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::NotBuilt => "build with `--features momento`, or try --store memory",
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
        }
    }
}

#[cfg(not(feature = "momento"))]
mod momento {
    use super::{Cli, Idempotency, StoreError};

    #[expect(clippy::unused_async, reason = "it stands in for one that is")]
    pub(super) async fn start(_: &Cli) -> Result<Idempotency, StoreError> {
        Err(StoreError::NotBuilt)
    }
}

#[cfg(feature = "momento")]
mod momento;
