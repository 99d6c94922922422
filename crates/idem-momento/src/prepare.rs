//! A check at start-up: the cache exists, and can keep what the policy needs.

use std::{future::Future, time::Duration};

use momento::{
    MomentoError, MomentoResult,
    cache::{CacheInfo, CreateCacheResponse},
};

use crate::store::MomentoStore;

/// Control calls have no deadline of their own in the SDK.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The control plane failed.
    #[error("could not {action}")]
    Control {
        /// What was being done.
        action: &'static str,
        /// The SDK's error.
        source: Box<MomentoError>,
    },
    /// The control plane gave no answer.
    #[error("could not {action}: no answer in {} seconds", CONTROL_TIMEOUT.as_secs())]
    Timeout {
        /// What was being done.
        action: &'static str,
    },
    /// The retention is longer than the cache keeps anything.
    #[error(
        "the cache `{cache}` keeps items for {} seconds at most, and the retention is {} seconds; \
         shorten the retention, or use a cache with a longer maximum TTL",
        maximum.as_secs(), retention.as_secs()
    )]
    Retention {
        /// The cache's name.
        cache: String,
        /// What was asked for.
        retention: Duration,
        /// What the cache can do.
        maximum: Duration,
    },
}

impl MomentoStore {
    /// Creates the cache if it is missing, checks that it can keep records for `retention`, and
    /// takes over its limit on an item's size. Up to 3 calls of the control plane, each bounded to
    /// 10 seconds.
    ///
    /// # Errors
    /// See [`PrepareError`]; the cache may have been created.
    ///
    /// # Cancel safety
    /// Safe: call it again.
    pub async fn prepare(self, retention: Duration) -> Result<Self, PrepareError> {
        let cache = match self.find_cache().await? {
            Some(cache) => Some(cache),
            None => {
                self.create_cache().await?;
                self.find_cache().await?
            }
        };
        // A cache that was created just now may not be listed yet.
        match cache {
            None => Ok(self),
            Some(cache) => self.adopt(&cache, retention),
        }
    }

    async fn find_cache(&self) -> Result<Option<CacheInfo>, PrepareError> {
        let client = self.client();
        let listed = control("list the caches", client.list_caches()).await?;
        Ok(listed
            .caches
            .into_iter()
            .find(|cache| cache.name == self.cache()))
    }

    async fn create_cache(&self) -> Result<(), PrepareError> {
        let client = self.client();
        let created = control("create the cache", client.create_cache(self.cache())).await?;
        if created == CreateCacheResponse::Created {
            tracing::info!(cache = self.cache(), "created the cache");
        }
        Ok(())
    }

    fn adopt(self, cache: &CacheInfo, retention: Duration) -> Result<Self, PrepareError> {
        let limits = &cache.cache_limits;
        let maximum = Duration::from_secs(limits.max_ttl_seconds);
        // Zero says that the service did not say.
        if !maximum.is_zero() && retention > maximum {
            return Err(PrepareError::Retention {
                cache: cache.name.clone(),
                retention,
                maximum,
            });
        }
        Ok(match limits.max_item_size_kb {
            0 => self,
            kilobytes => self.max_item_bytes(kilobytes as usize * 1_000),
        })
    }
}

async fn control<T>(
    action: &'static str,
    call: impl Future<Output = MomentoResult<T>>,
) -> Result<T, PrepareError> {
    match tokio::time::timeout(CONTROL_TIMEOUT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => {
            let source = Box::new(source);
            Err(PrepareError::Control { action, source })
        }
        Err(_) => Err(PrepareError::Timeout { action }),
    }
}
