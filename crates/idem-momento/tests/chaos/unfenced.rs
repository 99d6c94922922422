//! Each operation done the way that Momento's docs advise against.

use std::error::Error;

use idem_core::{
    RecordKey,
    store::{Lease, encode_completed, encode_pending},
};
use momento::{
    CacheClient,
    cache::{SetRequest, UpdateTtlResponse},
};
use store_chaos::{Unfenced, Write};

use crate::world::CACHE;

/// The SDK, by itself.
pub(crate) struct Client(pub(crate) CacheClient);

impl Unfenced for Client {
    async fn write(
        &self,
        key: &RecordKey,
        lease: &Lease,
        write: Write<'_>,
    ) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let key = key.as_bytes().to_vec();
        let (record, ttl) = match write {
            Write::Claim => (encode_pending(lease), lease.duration()),
            Write::Complete(outcome, retention) => (encode_completed(lease, outcome), retention),
            Write::Renew => {
                let renewed = self.0.update_ttl(CACHE, key, lease.duration()).await?;
                return Ok(matches!(renewed, UpdateTtlResponse::Set));
            }
            Write::Release => {
                self.0.delete(CACHE, key).await?;
                return Ok(true);
            }
        };
        let set = SetRequest::new(CACHE, key, record).ttl(ttl);
        self.0.send_request(set).await?;
        Ok(true)
    }
}
