//! What can be set of the store, and how it is made.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
};
use idem_core::store::StoreIdentity;

use crate::{DynamoDbStore, PrepareError, Table, clock::Clock, prepare, store::Inner};

const SHORTEST_CALL: Duration = Duration::from_millis(20);
const LONGEST_CALL: Duration = Duration::from_secs(60 * 60);

/// Parts of a record are written and read at the same time, and there are 43 of this much.
const MOST_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// Sets up a [`DynamoDbStore`].
#[derive(Clone, Debug)]
#[must_use]
pub struct DynamoDbBuilder {
    client: Client,
    table: Table,
    call_timeout: Duration,
    max_record_bytes: usize,
}

impl DynamoDbStore {
    /// Sets up a store in a table, by a client as the application has it.
    ///
    /// The store takes the client's region, credentials and connections. Its own calls are bounded by
    /// [`call_timeout`](DynamoDbBuilder::call_timeout), and the SDK does not retry them: only the store knows
    /// what may be sent again.
    pub fn builder(client: &Client, table: Table) -> DynamoDbBuilder {
        DynamoDbBuilder {
            client: client.clone(),
            table,
            // The default policy gives a call 1 s.
            call_timeout: Duration::from_millis(900),
            max_record_bytes: 4 * 1024 * 1024,
        }
    }
}

impl DynamoDbBuilder {
    /// Bounds each call of the store: 900 ms unless set.
    ///
    /// It must be shorter than the policy gives a call, which is half of its `store_timeout` (1 s) and a third
    /// of the lease.
    pub const fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Sets the largest response that is kept: 4 MiB unless set, and 16 MiB at most. A larger one takes longer
    /// to write, for which a [call](Self::call_timeout) must be enough.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        self.max_record_bytes = bytes.min(MOST_RECORD_BYTES);
        self
    }

    /// Creates the table unless it is there, billed by request, enables its time to live unless it is, and then
    /// does what [`check`](Self::check) does. It waits up to 60 s for the table.
    ///
    /// # Errors
    /// See [`PrepareError`].
    ///
    /// # Cancel safety
    /// Safe: call it again.
    pub async fn prepare(self) -> Result<DynamoDbStore, PrepareError> {
        self.table.check()?;
        prepare::create(&self.client, &self.table).await?;
        self.check().await
    }

    /// Checks that the table is there, has the keys that were told and deletes what has expired, and that items
    /// can be read; and gives the store. 3 round trips. It needs `dynamodb:DescribeTable` and
    /// `dynamodb:DescribeTimeToLive`, which the store itself does not.
    ///
    /// # Errors
    /// See [`PrepareError`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn check(self) -> Result<DynamoDbStore, PrepareError> {
        let (client, table) = (self.client.clone(), self.table.clone());
        let store = self.build()?;
        prepare::check(&client, &table).await?;
        // Its answer tells the store what time it is, too.
        prepare::probe(store.inner()).await?;
        Ok(store)
    }

    /// Gives the store and asks the service nothing: for a function that starts often, on a table that was
    /// checked where it was deployed.
    ///
    /// # Errors
    /// [`PrepareError::Table`] and [`PrepareError::CallTimeout`].
    pub fn build(self) -> Result<DynamoDbStore, PrepareError> {
        self.table.check()?;
        let call_timeout = self.call_timeout;
        if !(SHORTEST_CALL..=LONGEST_CALL).contains(&call_timeout) {
            let timeout = call_timeout;
            return Err(PrepareError::CallTimeout { timeout });
        }
        // The store bounds each call as a whole, and knows which may be sent again.
        let config = self.client.config().to_builder();
        let config = config
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled());
        let config = config.build();
        let region = config.region().map_or("", |region| region.as_ref());
        let sort = self.table.sort_key.as_ref().map_or("", |(_, value)| value);
        // Two that are taken for one although their accounts differ commit nothing: the record that a transaction
        // completes is not in its table.
        let identity = StoreIdentity::of_parts([
            "dynamodb",
            region,
            &self.table.name,
            &self.table.prefix,
            sort,
        ]);
        Ok(DynamoDbStore::new(Inner {
            client: Client::from_conf(config),
            table: self.table,
            clock: Arc::new(Clock::default()),
            call_timeout,
            max_record_bytes: self.max_record_bytes,
            identity,
        }))
    }
}
