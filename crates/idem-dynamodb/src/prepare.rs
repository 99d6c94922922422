//! A check at start-up: the table is there, has the keys that were told, and deletes what has expired.

use std::{future::Future, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    client::Waiters,
    error::{BoxError, ProvideErrorMetadata, SdkError},
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TableDescription, TimeToLiveDescription, TimeToLiveSpecification, TimeToLiveStatus,
    },
};
use idem_core::RecordKey;
use tokio::time::{Instant, timeout};

use crate::{PrepareError, Table, store::Inner};

/// How long the service may take for each step.
const STEP: Duration = Duration::from_secs(10);

/// How long the creation of a table is waited for; it takes seconds.
const CREATION: Duration = Duration::from_secs(60);

/// Creates the table unless it is there, and enables its time to live unless it is.
pub(crate) async fn create(client: &Client, table: &Table) -> Result<(), PrepareError> {
    create_table(client, table).await?;
    let exists = client.wait_until_table_exists().table_name(&table.name);
    let exists = exists.wait(CREATION).await;
    exists.map_err(|error| failed("wait for the table", error))?;
    if matches!(ttl(client, table).await?, Ttl::By(attribute) if attribute == table.ttl) {
        return Ok(());
    }
    let enable = TimeToLiveSpecification::builder()
        .attribute_name(&table.ttl)
        .enabled(true)
        .build()
        .map_err(|error| failed("enable the time to live", error))?;
    let enable = client
        .update_time_to_live()
        .table_name(&table.name)
        .time_to_live_specification(enable);
    const ACTION: &str = "enable the table's time to live (dynamodb:UpdateTimeToLive)";
    // Another process may be doing the same; the check that follows tells whether it is enabled.
    match timed(ACTION, enable.send()).await? {
        Err(error) if error.code() != Some("ValidationException") => Err(failed(ACTION, error)),
        _ => Ok(()),
    }
}

/// Another process may be doing the same.
async fn create_table(client: &Client, table: &Table) -> Result<(), PrepareError> {
    const ACTION: &str = "create the table (dynamodb:CreateTable)";
    if description(client, table).await?.is_some() {
        return Ok(());
    }
    let sort = table.sort_key.as_ref().map(|(attribute, _)| attribute);
    let keys = [
        (Some(&table.partition_key), KeyType::Hash),
        (sort, KeyType::Range),
    ];
    let mut create = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, key_type) in keys {
        let Some(attribute) = attribute else { continue };
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S)
            .build();
        let element = KeySchemaElement::builder()
            .attribute_name(attribute)
            .key_type(key_type)
            .build();
        create = create
            .attribute_definitions(definition.map_err(|error| failed(ACTION, error))?)
            .key_schema(element.map_err(|error| failed(ACTION, error))?);
    }
    match timed(ACTION, create.send()).await? {
        Err(error) if error.code() != Some("ResourceInUseException") => Err(failed(ACTION, error)),
        _ => Ok(()),
    }
}

/// Says what is wrong with a table. 2 round trips.
pub(crate) async fn check(client: &Client, table: &Table) -> Result<(), PrepareError> {
    let Some(described) = description(client, table).await? else {
        let table = table.name.clone();
        return Err(PrepareError::MissingTable { table });
    };
    let (found, told) = (keys_of(&described), keys_told(table));
    if found != told {
        return Err(PrepareError::Keys { found, told });
    }
    let refused = |found: String| {
        let attribute = table.ttl.clone();
        Err(PrepareError::NoTimeToLive { attribute, found })
    };
    match ttl(client, table).await? {
        Ttl::By(attribute) if attribute == table.ttl => {}
        Ttl::By(attribute) => return refused(format!("it deletes by `{attribute}`")),
        Ttl::Off => return refused("its time to live is not enabled".to_owned()),
    }
    Ok(())
}

/// Reads what nobody wrote. 1 round trip.
pub(crate) async fn probe(store: &Inner) -> Result<(), PrepareError> {
    let nobody = store.table.key(&RecordKey::from_bytes([0; 32]));
    let read = store.read(nobody, Instant::now() + STEP).await;
    read.map(drop).map_err(|failure| {
        const ACTION: &str = "read an item of the table (dynamodb:GetItem)";
        failed(ACTION, failure.into_source())
    })
}

async fn description(
    client: &Client,
    table: &Table,
) -> Result<Option<TableDescription>, PrepareError> {
    const ACTION: &str = "look at the table (dynamodb:DescribeTable)";
    let describe = client.describe_table().table_name(&table.name);
    match timed(ACTION, describe.send()).await? {
        Ok(described) => Ok(described.table),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(failed(ACTION, error)),
    }
}

/// Whether DynamoDB deletes items, and by which attribute.
enum Ttl {
    By(String),
    Off,
}

async fn ttl(client: &Client, table: &Table) -> Result<Ttl, PrepareError> {
    const ACTION: &str = "look at the table's time to live (dynamodb:DescribeTimeToLive)";
    let describe = client.describe_time_to_live().table_name(&table.name);
    let described = timed(ACTION, describe.send()).await?;
    let described = described.map_err(|error| failed(ACTION, error))?;
    Ok(match described.time_to_live_description {
        Some(TimeToLiveDescription {
            time_to_live_status: Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling),
            attribute_name: Some(attribute),
            ..
        }) => Ttl::By(attribute),
        _ => Ttl::Off,
    })
}

fn keys_told(table: &Table) -> String {
    match &table.sort_key {
        None => format!("{} (S)", table.partition_key),
        Some((sort, _)) => format!("{} (S), {sort} (S)", table.partition_key),
    }
}

fn keys_of(described: &TableDescription) -> String {
    let mut keys: Vec<_> = described.key_schema().iter().collect();
    keys.sort_by_key(|key| key.key_type != KeyType::Hash);
    let of = |key: &&KeySchemaElement| {
        let definitions = described.attribute_definitions();
        let mut named = definitions
            .iter()
            .filter(|it| it.attribute_name == key.attribute_name);
        let kind = named.next().map_or("?", |it| it.attribute_type.as_str());
        format!("{} ({kind})", key.attribute_name)
    };
    keys.iter().map(of).collect::<Vec<_>>().join(", ")
}

async fn timed<T, E>(
    action: &'static str,
    call: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<Result<T, SdkError<E>>, PrepareError> {
    let timeout_after = STEP;
    let answer = timeout(timeout_after, call).await;
    answer.map_err(|_| PrepareError::Timeout {
        action,
        timeout: timeout_after,
    })
}

fn failed(action: &'static str, source: impl Into<BoxError>) -> PrepareError {
    let source = source.into();
    PrepareError::DynamoDb { action, source }
}
