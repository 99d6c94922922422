//! The rules about transactions that end executions.

use std::{thread, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ConditionCheck},
};
use idem_core::{CurrentExecution, IdempotencyStore};
use idem_dynamodb::{DynamoDbStore, DynamoDbTransaction};
use idem_store_tests::{Cut, TransactionError, TransactionalStore};
use std::sync::Arc;
use test_servers::{DynamoDbFault as Fault, DynamoDbProxy};

use crate::server::{client, count, effect, name, proxy, store};

struct Effects {
    store: DynamoDbStore,
    client: Client,
    proxy: Arc<DynamoDbProxy>,
}

impl Effects {
    async fn new() -> Self {
        let proxy = proxy();
        Self {
            store: store(&proxy).await,
            client: client(&proxy),
            proxy: Arc::new(proxy),
        }
    }
}

impl TransactionalStore for Effects {
    type Transaction = DynamoDbTransaction;

    fn store(&self) -> impl IdempotencyStore {
        self.store.clone()
    }

    async fn begin(
        &self,
        current: &CurrentExecution,
    ) -> Result<DynamoDbTransaction, TransactionError> {
        Ok(self.store.begin(Some(current))?)
    }

    async fn write(&self, transaction: &mut DynamoDbTransaction, name: &str) {
        transaction.update(effect(name)).unwrap();
    }

    async fn hand_over(&self, transaction: DynamoDbTransaction) -> Result<(), TransactionError> {
        Ok(transaction.commit_with_response().await?)
    }

    async fn count(&self, name: &str) -> usize {
        count(&self.client, name).await
    }

    async fn another(&self) -> Self {
        Self::new().await
    }

    fn has_one_writer(&self) -> bool {
        false
    }

    /// A condition that fails is told when the transaction is sent, and no earlier.
    async fn fail(&self, transaction: &mut DynamoDbTransaction) -> bool {
        let check = ConditionCheck::builder().table_name("market");
        let check = check.key("pk", AttributeValue::S(name()));
        let check = check.key("sk", AttributeValue::S("NOBODY".to_owned()));
        let check = check.condition_expression("attribute_exists(pk)").build();
        transaction.check(check.unwrap()).unwrap();
        true
    }

    fn cut(&self, cut: Cut) -> bool {
        let first = match cut {
            Cut::AnswerLost => Fault::CutAfter,
            Cut::NeverArrives => Fault::CutBefore,
            Cut::LandsAfter(time) => {
                let proxy = Arc::clone(&self.proxy);
                thread::spawn(move || {
                    thread::sleep(time);
                    proxy.deliver();
                });
                Fault::Late
            }
            _ => return false,
        };
        // The store sends it six times, and must ask whether the first one landed.
        let mut faults = [Fault::CutBefore; 6];
        faults[0] = first;
        self.proxy.next("TransactWriteItems", &faults);
        true
    }

    async fn open_transactions(&self) -> Option<usize> {
        None
    }
}

idem_store_tests::ending_tests! {
    // A transaction has what is left of a lease, or a third of it.
    clock: real(Duration::from_secs(3), Duration::from_secs(2)),
    store: Effects::new().await,
}
