//! A server with one handler on a [`Ledger`].

use std::sync::Arc;

use idem_core::{CurrentExecution, Idempotency, LeaseTerm, Policy, adapter::HandOver};

use tokio::time::{advance, sleep};

use super::{
    client::{Answer, Call, created},
    ledger::{Fate, Ledger, RollBack},
};
use crate::support::{LEASE, Log, SECOND, admit};

#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) idempotency: Idempotency,
    pub(crate) ledger: Ledger,
    pub(crate) log: Log,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::on(Ledger::new(), Policy::reference())
    }

    pub(crate) fn on(ledger: Ledger, policy: Policy) -> Self {
        let log = Log::default();
        let policy = policy.lease(LEASE).observer(log.clone());
        Self {
            idempotency: Idempotency::new(ledger.store(), policy),
            ledger,
            log,
        }
    }

    /// Another server process on the same store.
    pub(crate) fn another(&self) -> Self {
        Self::on(self.ledger.clone(), Policy::reference())
    }

    /// What the client of a request under the one key gets.
    pub(crate) async fn request<F>(&self, handler: impl FnOnce(CurrentExecution) -> F) -> String
    where
        F: Future<Output = Answer>,
    {
        self.request_with("{}", handler).await
    }

    pub(crate) async fn request_with<F>(
        &self,
        payload: &'static str,
        handler: impl FnOnce(CurrentExecution) -> F,
    ) -> String
    where
        F: Future<Output = Answer>,
    {
        self.serve(payload, LEASE.into(), handler).await
    }

    /// As `request`, with a lease of its own.
    pub(crate) async fn request_for<F>(
        &self,
        term: LeaseTerm,
        handler: impl FnOnce(CurrentExecution) -> F,
    ) -> String
    where
        F: Future<Output = Answer>,
    {
        self.serve("{}", term, handler).await
    }

    async fn serve<F>(
        &self,
        payload: &'static str,
        term: LeaseTerm,
        handler: impl FnOnce(CurrentExecution) -> F,
    ) -> String
    where
        F: Future<Output = Answer>,
    {
        let call = Call { payload, handler };
        let protected = admit(&self.idempotency).lease(term);
        let served = self.idempotency.clone().serve(protected, call).await;
        served.unwrap_or_else(|error| format!("error: {error}"))
    }

    /// As `request`, on behalf of a client that may hang up.
    pub(crate) fn request_later<F>(
        &self,
        handler: impl FnOnce(CurrentExecution) -> F + Send + 'static,
    ) -> impl Future<Output = Result<String, &'static str>> + Send + 'static
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let payload = "{}";
        let call = Call { payload, handler };
        let protected = admit(&self.idempotency);
        let watch = protected.watch();
        HandOver::new(
            Box::pin(self.idempotency.clone().serve(protected, call)),
            watch,
        )
    }

    /// What the client of a handler gets that writes, hands over and answers 201.
    pub(crate) async fn order(&self) -> String {
        self.request(async |current| {
            self.ledger.order(&current, "goat");
            created()
        })
        .await
    }

    /// What a retry gets, with its own effect if it executes; all faults are mended before.
    pub(crate) async fn retry(&self) -> String {
        self.ledger.records.heal();
        self.ledger.commit(Fate::default());
        self.ledger.roll_back(RollBack::default());
        self.ledger.questions([]);
        self.request(async |current| {
            self.ledger.order(&current, "goat again");
            Ok((201, super::client::Body::Whole("done again")))
        })
        .await
    }

    /// The events of the requests until now.
    pub(crate) fn events(&self) -> Vec<String> {
        self.log.lines()
    }
}

/// A request in a task of its own.
pub(crate) fn spawn<F>(
    shop: &Shop,
    handler: impl FnOnce(CurrentExecution, Arc<Shop>) -> F + Send + 'static,
) -> tokio::task::JoinHandle<Result<String, &'static str>>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let own = Arc::new(shop.clone());
    tokio::spawn(shop.request_later(move |current| handler(current, own)))
}

/// Lets the lease of the handler that awaits it run out, as where its process stood still.
pub(crate) async fn lapse() {
    sleep(SECOND).await;
    advance(LEASE).await;
    sleep(SECOND).await;
}
