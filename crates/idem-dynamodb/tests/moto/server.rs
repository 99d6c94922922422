//! The server that all tests share, a table in it, and what they ask of a store.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{AttributeValue, Update},
};
use bytes::Bytes;
use idem_core::{
    Headers, IdempotencyStore, RecordKey, Response,
    store::{Fenced, Fingerprint, Identity, Lease, Outcome, OwnerToken},
};
use idem_dynamodb::{DynamoDbStore, Table};
use test_servers::{DynamoDb, DynamoDbProxy};
use tokio::sync::OnceCell;

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The rules are not about how fast a machine is that has other work.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

/// A server that many tests share, one request after the other.
pub(crate) struct Shared {
    server: LazyLock<DynamoDb>,
    table: OnceCell<()>,
}

impl Shared {
    const fn new() -> Self {
        Self {
            server: LazyLock::new(|| DynamoDb::start().unwrap()),
            table: OnceCell::const_new(),
        }
    }

    pub(crate) fn proxy(&self) -> DynamoDbProxy {
        DynamoDbProxy::to(self.server.port()).unwrap()
    }

    /// Creates the table, unless another test has.
    pub(crate) async fn create_table(&self) {
        let creating = async || {
            let client = client(&self.proxy());
            let builder = DynamoDbStore::builder(&client, table());
            builder.prepare().await.unwrap();
        };
        self.table.get_or_init(creating).await;
    }
}

static MOTO: Shared = Shared::new();

/// For the contract, whose crowds keep others waiting.
pub(crate) static CROWDED: Shared = Shared::new();

/// The application's table, in which the records are beside its own items.
pub(crate) fn table() -> Table {
    Table::new("market")
        .sort_key("sk", "IDEM")
        .ttl_attribute("ttl")
}

pub(crate) fn proxy() -> DynamoDbProxy {
    MOTO.proxy()
}

/// A client, whose connections belong to the test's runtime.
pub(crate) fn client(proxy: &DynamoDbProxy) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
        .endpoint_url(proxy.url());
    Client::from_conf(config.build())
}

/// A store in the table.
pub(crate) async fn store(proxy: &DynamoDbProxy) -> DynamoDbStore {
    store_with(proxy, PATIENT).await
}

pub(crate) async fn store_with(proxy: &DynamoDbProxy, call_timeout: Duration) -> DynamoDbStore {
    MOTO.create_table().await;
    store_at(proxy, call_timeout)
}

/// A store in a table that is there.
pub(crate) fn store_at(proxy: &DynamoDbProxy, call_timeout: Duration) -> DynamoDbStore {
    let builder = DynamoDbStore::builder(&client(proxy), table());
    builder.call_timeout(call_timeout).build().unwrap()
}

/// A key that no other test has.
pub(crate) fn key() -> RecordKey {
    let (one, two) = (OwnerToken::random(), OwnerToken::random());
    let bytes = [*one.as_bytes(), *two.as_bytes()].concat();
    RecordKey::from_bytes(bytes.try_into().unwrap())
}

/// A name that no other test has.
pub(crate) fn name() -> String {
    key().to_string()
}

pub(crate) fn lease() -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([7; 32])), LONG)
}

pub(crate) fn response(body: impl Into<Bytes>) -> Outcome {
    Response::new(201, Headers::default(), body.into()).into()
}

pub(crate) async fn complete(store: &DynamoDbStore, key: &RecordKey, lease: &Lease) -> Fenced {
    store
        .complete(key, lease, &response("1"), LONG)
        .await
        .unwrap()
}

/// Counts an effect up by one.
pub(crate) fn effect(name: &str) -> Update {
    let update = Update::builder().table_name("market");
    update
        .key("pk", AttributeValue::S(format!("EFFECT#{name}")))
        .key("sk", AttributeValue::S("EFFECT".to_owned()))
        .update_expression("ADD times :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
        .build()
        .unwrap()
}

/// How often an effect was committed.
pub(crate) async fn count(client: &Client, name: &str) -> usize {
    let item = item(client, format!("EFFECT#{name}"), "EFFECT").await;
    item.map_or(0, |item| item["times"].as_n().unwrap().parse().unwrap())
}

/// The item of a record.
pub(crate) async fn record_item(client: &Client, key: &RecordKey) -> Item {
    item(client, format!("idem#{key}"), "IDEM").await.unwrap()
}

async fn item(client: &Client, pk: String, sk: &str) -> Option<Item> {
    let get = client.get_item().table_name("market").consistent_read(true);
    let get = get.key("pk", AttributeValue::S(pk));
    let get = get.key("sk", AttributeValue::S(sk.to_owned()));
    get.send().await.unwrap().item
}
