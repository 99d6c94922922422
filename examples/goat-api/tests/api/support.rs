//! A server on a free port with a database of its own, and what it answers.

use std::ops::Deref;
use std::time::Duration;

use goat_api::database::Database;
use goat_api::service::GoatMarket;
use goat_api::web::operations::{Metrics, Operations};
use idem_core::{Idempotency, MemoryStore, Policy};
use tempfile::TempDir;

pub(crate) use crate::client::Answer;
use crate::client::Client;
use crate::routes;
use crate::serve::serve;

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) market: GoatMarket,
    pub(crate) idempotency: Idempotency,
    client: Client,
    _directory: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_policy(Policy::reference()).await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        Self::with_delay(policy, Duration::ZERO).await
    }

    /// The whole server, as the program has it; placing an order takes this long.
    pub(crate) async fn whole(policy: Policy, order_delay: Duration) -> Self {
        let mut server = Self::with_delay(policy, order_delay).await;
        let (market, idempotency) = (server.market.clone(), server.idempotency.clone());
        let address = routes::serve(market, idempotency, server.operations()).await;
        server.client = Client::new(format!("http://{address}"));
        server
    }

    /// What the routes for operators answer from.
    pub(crate) fn operations(&self) -> Operations {
        let metrics = Metrics::install().expect("nobody else counts in this process");
        Operations::new(self.market.clone(), self.idempotency.clone(), metrics)
    }

    async fn with_delay(policy: Policy, order_delay: Duration) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("goats.db");
        let database = Database::open(&path).await.expect("the database opens");
        let market = GoatMarket::new(database).order_delay(order_delay);
        let idempotency = Idempotency::new(MemoryStore::new(), policy);
        let address = serve(market.clone(), idempotency.clone()).await;
        Self {
            market,
            idempotency,
            client: Client::new(format!("http://{address}")),
            _directory: directory,
        }
    }
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
