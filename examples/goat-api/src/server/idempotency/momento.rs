//! The records in Momento Serverless Cache, as a server keeps them and as a Lambda function does.

use std::env;
use std::time::Duration;

use idem_momento::{MomentoStore, PrepareError};
use momento::{CredentialProvider, MomentoErrorCode, MomentoResult};
use tokio::time::timeout;

use super::{Cli, Idempotency, StoreError, policy};
use crate::cli::on_lambda;

/// How long the check at start may take in a Lambda function, which has 10 seconds to start in all.
const PATIENCE: Duration = Duration::from_secs(4);

pub(super) async fn start(cli: &Cli) -> Result<Idempotency, StoreError> {
    let key = key(cli).await?;
    let store = connect(cli, &key).map_err(|error| StoreError::Momento(error.into()))?;
    let store = match on_lambda() {
        false => store.prepare(cli.retention).await,
        true => prepare_at_once(store, cli.retention).await,
    };
    let store = store.map_err(|error| StoreError::Momento(error.into()))?;
    Ok(Idempotency::new(store, policy(cli)))
}

async fn key(cli: &Cli) -> Result<String, StoreError> {
    match (&cli.momento_secret, &cli.momento_api_key) {
        (Some(name), _) => secret(name).await,
        (None, Some(key)) => Ok(key.reveal().to_owned()),
        (None, None) => Err(StoreError::KeyMissing),
    }
}

#[cfg(feature = "lambda")]
async fn secret(name: &str) -> Result<String, StoreError> {
    let text = crate::server::secret::read(name).await;
    text.map_err(|source| StoreError::Secret {
        name: name.to_owned(),
        source: source.into(),
    })
}

#[cfg(not(feature = "lambda"))]
#[expect(clippy::unused_async, reason = "it stands in for one that is")]
async fn secret(_: &str) -> Result<String, StoreError> {
    Err(StoreError::SecretNotBuilt)
}

fn connect(cli: &Cli, key: &str) -> MomentoResult<MomentoStore> {
    let credentials = match &cli.momento_endpoint {
        Some(endpoint) => stand_in(key, endpoint)?,
        None => credentials(key)?,
    };
    match on_lambda() {
        false => MomentoStore::with_credentials(credentials, &cli.momento_cache),
        true => MomentoStore::on_lambda(credentials, &cli.momento_cache),
    }
}

/// A legacy token has the endpoint in it.
fn credentials(key: &str) -> MomentoResult<CredentialProvider> {
    match env::var("MOMENTO_ENDPOINT") {
        Ok(endpoint) => CredentialProvider::from_api_key_v2(key, endpoint),
        Err(_) => CredentialProvider::from_disposable_token(key),
    }
}

/// A key of either kind, for an endpoint that speaks plain HTTP.
fn stand_in(key: &str, endpoint: &str) -> MomentoResult<CredentialProvider> {
    let provider = CredentialProvider::from_api_key_v2(key, endpoint)
        .or_else(|_| CredentialProvider::from_disposable_token(key))?;
    Ok(provider.insecure_endpoint_override(endpoint))
}

/// Goes on without the check if the service cannot answer now: a hundred instances that start together
/// are above its limit on such calls, and no reason to serve nobody.
async fn prepare_at_once(
    store: MomentoStore,
    retention: Duration,
) -> Result<MomentoStore, PrepareError> {
    match timeout(PATIENCE, store.clone().prepare(retention)).await {
        Ok(Err(error)) if may_pass(&error) => {
            tracing::warn!(error = %error, "the cache could not be checked now");
            Ok(store)
        }
        Ok(prepared) => prepared,
        Err(_) => {
            tracing::warn!("the cache could not be checked in {PATIENCE:?}");
            Ok(store)
        }
    }
}

fn may_pass(error: &PrepareError) -> bool {
    match error {
        PrepareError::Control { source, .. } => matches!(
            source.error_code,
            MomentoErrorCode::CancelledError
                | MomentoErrorCode::InternalServerError
                | MomentoErrorCode::LimitExceededError
                | MomentoErrorCode::ServerUnavailable
                | MomentoErrorCode::TimeoutError
        ),
        _ => false,
    }
}
