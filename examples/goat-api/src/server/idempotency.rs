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
    /// The store could not be reached, or does not fit.
    #[error("Momento refused")]
    Momento(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::NotBuilt => "build with `--features momento`, or try --store memory",
            Self::KeyMissing => "set MOMENTO_API_KEY, or try --store memory",
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
mod momento {
    use idem_momento::MomentoStore;
    use momento::{CredentialProvider, MomentoResult};

    use super::{Cli, Idempotency, StoreError, policy};

    pub(super) async fn start(cli: &Cli) -> Result<Idempotency, StoreError> {
        let store = connect(cli)?.prepare(cli.retention).await;
        let store = store.map_err(|error| StoreError::Momento(error.into()))?;
        Ok(Idempotency::new(store, policy(cli)))
    }

    fn connect(cli: &Cli) -> Result<MomentoStore, StoreError> {
        let key = cli.momento_api_key.as_ref().ok_or(StoreError::KeyMissing)?;
        let store = match &cli.momento_endpoint {
            None => MomentoStore::from_env(&cli.momento_cache),
            Some(endpoint) => stand_in(key, endpoint)
                .and_then(|provider| MomentoStore::with_credentials(provider, &cli.momento_cache)),
        };
        store.map_err(|error| StoreError::Momento(error.into()))
    }

    /// A key of either kind, for an endpoint that speaks plain HTTP.
    fn stand_in(key: &str, endpoint: &str) -> MomentoResult<CredentialProvider> {
        let provider = CredentialProvider::from_api_key_v2(key, endpoint)
            .or_else(|_| CredentialProvider::from_disposable_token(key))?;
        Ok(provider.insecure_endpoint_override(endpoint))
    }
}
