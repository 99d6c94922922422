//! The table itself: how it is opened, read and written, and what is done again; and where the records are.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Get, Put, TransactGetItem, TransactWriteItem,
};
use idem_core::{CurrentExecution, IdempotencyStore};
use idem_dynamodb::DynamoDbStore;
use tokio::time::sleep;

use crate::aws;
use crate::database::call_timeout;

/// The actions that a role must be allowed on a table that is there.
pub const WANTED: &[&str] = &[
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

/// What the records need besides, if they are in the table: a key that is freed is deleted.
pub const WANTED_FOR_RECORDS: &[&str] = &["dynamodb:DeleteItem"];

/// What the partition keys of records begin with.
const RECORDS_BEGIN_WITH: &str = "idem#";

/// The sort key of all records.
const RECORDS_END_WITH: &str = "IDEM";

/// The attribute by which DynamoDB deletes what has expired. Only records have it.
const EXPIRES: &str = "expires_at";

pub(super) type Item = HashMap<String, AttributeValue>;
pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// How many items are read as of one instant; stand-ins for DynamoDB take no more.
pub(super) const MOST_TOGETHER: usize = 25;

/// A table and the client that speaks for it; clones share the client.
#[derive(Debug, Clone)]
pub(super) struct Table {
    client: Client,
    name: String,
    records: DynamoDbStore,
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    pub(super) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        let (pk, sk) = (pk.into(), sk.into());
        Self { pk, sk }
    }

    pub(super) fn attributes(&self) -> Item {
        let (pk, sk) = (self.pk.clone(), self.sk.clone());
        Item::from([string("pk", pk), string("sk", sk)])
    }
}

/// What an item holds is not what was written: somebody else changed it.
#[derive(Debug, thiserror::Error)]
#[error("the item {pk} {sk} has no {what} that can be read")]
struct Damaged {
    pk: String,
    sk: String,
    what: &'static str,
}

/// The complaint that an item is not as it was written.
pub(super) fn damaged(item: &Item, what: &'static str) -> Failure {
    let key = |name| text_in(item, name).unwrap_or_default().to_owned();
    let (pk, sk) = (key("pk"), key("sk"));
    Damaged { pk, sk, what }.into()
}

/// The text of an attribute that each such item has.
pub(super) fn text_of<'a>(item: &'a Item, name: &'static str) -> Result<&'a str, Failure> {
    text_in(item, name).ok_or_else(|| damaged(item, name))
}

pub(super) fn text_in<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    Some(item.get(name)?.as_s().ok()?.as_str())
}

/// An attribute that is text.
pub(super) fn string(name: &str, value: impl Into<String>) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::S(value.into()))
}

impl Table {
    pub(super) async fn open(name: &str, lease: Duration) -> Result<Self, Failure> {
        let settings = aws::settings().await;
        let config = aws_sdk_dynamodb::config::Builder::from(&settings)
            .timeout_config(timeouts())
            .retry_config(retries())
            .build();
        let client = Client::from_conf(config);
        let place = idem_dynamodb::Table::new(name)
            .sort_key("sk", RECORDS_END_WITH)
            .prefix(RECORDS_BEGIN_WITH)
            .ttl_attribute(EXPIRES);
        let records = DynamoDbStore::builder(&client, place).call_timeout(call_timeout(lease));
        let table = Self {
            client,
            name: name.to_owned(),
            records: records.clone().build()?,
        };
        match table.read(&probe()).await {
            Ok(_) => Ok(table),
            Err(error) if is_missing(&error) => {
                records.prepare().await?;
                Ok(table)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn records(&self) -> Arc<dyn IdempotencyStore> {
        Arc::new(self.records.clone())
    }

    pub(super) async fn probe(&self) -> Result<(), Failure> {
        self.find(&probe()).await.map(drop)
    }

    /// The item that is there at this moment, if one is.
    pub(super) async fn find(&self, key: &Key) -> Result<Option<Item>, Failure> {
        self.read(key).await.map_err(Failure::from)
    }

    /// All items of a partition in the order of their `sk`, a page of up to 1 MB after the other.
    pub(super) async fn list(&self, pk: impl Into<String>) -> Result<Vec<Item>, Failure> {
        let query = self.client.query().table_name(&self.name);
        query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.into()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(Failure::from)
    }

    /// Writes an item whose key is new.
    ///
    /// Without a condition that it is: sent again after an answer that was lost, it would fail for
    /// having been done.
    pub(super) async fn put(&self, item: Item) -> Result<(), Failure> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.set_item(Some(item)).send().await;
        put.map(drop).map_err(Failure::from)
    }

    /// Writes an item whose key is new: at once or, with an execution, together with the record of its response.
    pub(super) async fn insert(
        &self,
        item: Item,
        current: Option<&CurrentExecution>,
    ) -> Result<(), Failure> {
        let Some(current) = current else {
            return self.put(item).await;
        };
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let mut transaction = self.records.begin(Some(current))?;
        transaction.put(put.build()?)?;
        Ok(transaction.commit_with_response().await?)
    }

    /// Attributes of up to [`MOST_TOGETHER`] items as of one instant, in the order of the keys.
    pub(super) async fn find_together(
        &self,
        keys: &[Key],
        attributes: &str,
    ) -> Result<Vec<Option<Item>>, Failure> {
        let get = |key: &Key| {
            let get = Get::builder().table_name(&self.name);
            let get = get.set_key(Some(key.attributes()));
            let get = get.projection_expression(attributes).build()?;
            Ok(TransactGetItem::builder().get(get).build())
        };
        let gets = keys.iter().map(get).collect::<Result<Vec<_>, Failure>>()?;
        let request = self.client.transact_get_items();
        let request = request.set_transact_items(Some(gets));
        let found = insist(|| request.clone().send())
            .await
            .map_err(|r| r.cause)?;
        let found = found.responses.unwrap_or_default();
        Ok(found.into_iter().map(|response| response.item).collect())
    }

    /// Does all of this or nothing; `false` if the condition of the first one does not hold.
    pub(super) async fn write_together(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<bool, Failure> {
        // The SDK gives it a token, so that what it sends again is done once.
        let request = self.client.transact_write_items();
        let request = request.set_transact_items(Some(writes));
        match insist(|| request.clone().send()).await {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.condition_failed() => Ok(false),
            Err(refusal) => Err(refusal.cause),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    async fn read(&self, key: &Key) -> Result<Option<Item>, SdkError<GetItemError>> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get.set_key(Some(key.attributes())).consistent_read(true);
        Ok(get.send().await?.item)
    }
}

fn probe() -> Key {
    Key::new("GOATS", "any")
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_millis(2500))
        .operation_timeout(Duration::from_millis(7500))
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_max_backoff(Duration::from_secs(1))
}

fn is_missing(error: &SdkError<GetItemError>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(GetItemError::is_resource_not_found_exception)
}

/// Sends a transaction again while others are in its way; the operation's time is the bound.
async fn insist<T, E, F>(send: impl Fn() -> F) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, SdkError<E>>>,
    Refusal: From<SdkError<E>>,
{
    let mut longest = Duration::from_millis(25);
    loop {
        match send().await.map_err(Refusal::from) {
            Err(refusal) if refusal.passes() => {}
            done => return done,
        }
        // Those who met must not meet again.
        sleep(longest.mul_f64(rand::random())).await;
        longest = (longest * 2).min(Duration::from_millis(800));
    }
}

/// Why a transaction was not done: for each of its items a code, if the table gave any.
#[derive(Debug)]
struct Refusal {
    codes: Vec<String>,
    cause: Failure,
}

impl Refusal {
    fn new(codes: Option<Vec<String>>, cause: impl Into<Failure>) -> Self {
        Self {
            codes: codes.unwrap_or_default(),
            cause: cause.into(),
        }
    }

    /// Whether it is about others, so that it passes by itself.
    fn passes(&self) -> bool {
        const PASSING: [&str; 3] = [
            "ProvisionedThroughputExceeded",
            "ThrottlingError",
            "TransactionConflict",
        ];
        let mut codes = self.codes.iter();
        !self.condition_failed() && codes.any(|code| PASSING.contains(&code.as_str()))
    }

    fn condition_failed(&self) -> bool {
        let first = self.codes.first();
        first.is_some_and(|code| code == "ConditionalCheckFailed")
    }
}

impl From<SdkError<TransactGetItemsError>> for Refusal {
    fn from(error: SdkError<TransactGetItemsError>) -> Self {
        let codes = match error.as_service_error() {
            Some(TransactGetItemsError::TransactionCanceledException(why)) => Some(codes(why)),
            _ => None,
        };
        Self::new(codes, error)
    }
}

impl From<SdkError<TransactWriteItemsError>> for Refusal {
    fn from(error: SdkError<TransactWriteItemsError>) -> Self {
        let codes = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(why)) => Some(codes(why)),
            _ => None,
        };
        Self::new(codes, error)
    }
}

fn codes(cancelled: &TransactionCanceledException) -> Vec<String> {
    let reasons = cancelled.cancellation_reasons().iter();
    let code = |reason: &CancellationReason| reason.code().unwrap_or_default().to_owned();
    reasons.map(code).collect()
}
