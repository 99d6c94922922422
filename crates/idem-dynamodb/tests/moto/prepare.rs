//! The check at start-up.

use std::error::Error;

use aws_sdk_dynamodb::Client;
use idem_core::{IdempotencyStore, store::Claim};
use idem_dynamodb::{DynamoDbStore, PrepareError, Table};
use test_servers::DynamoDbFault as Fault;

use crate::server::{client, key, lease, name, proxy};

async fn check(client: &Client, table: &Table) -> Result<DynamoDbStore, PrepareError> {
    DynamoDbStore::builder(client, table.clone()).check().await
}

#[tokio::test]
async fn a_table_that_is_missing_is_named_and_created() {
    let proxy = proxy();
    let client = client(&proxy);
    for table in [
        Table::new(name()),
        Table::new(name()).partition_key("PK").sort_key("SK", "I"),
    ] {
        let missing = check(&client, &table).await.unwrap_err();
        assert!(
            matches!(missing, PrepareError::MissingTable { .. }),
            "{missing:?}"
        );
        let prepare = || DynamoDbStore::builder(&client, table.clone()).prepare();
        let (one, other) = tokio::join!(prepare(), prepare());
        for store in [
            one.unwrap(),
            other.unwrap(),
            check(&client, &table).await.unwrap(),
        ] {
            assert_eq!(store.claim(&key(), &lease()).await.unwrap(), Claim::Owned);
        }
    }
}

#[tokio::test]
async fn a_table_that_is_not_as_it_was_told_is_refused() {
    let proxy = proxy();
    let client = client(&proxy);
    let name = name();
    let table = || Table::new(&name);
    DynamoDbStore::builder(&client, table())
        .prepare()
        .await
        .unwrap();

    for told in [table().partition_key("PK"), table().sort_key("sk", "IDEM")] {
        let error = check(&client, &told).await.unwrap_err();
        assert!(matches!(error, PrepareError::Keys { .. }), "{error:?}");
        assert!(
            error.to_string().contains("has the keys pk (S),"),
            "{error}"
        );
    }
    let error = check(&client, &table().ttl_attribute("ttl"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PrepareError::NoTimeToLive { .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("deletes by `expires_at`"),
        "{error}"
    );
}

#[tokio::test]
async fn what_may_not_be_asked_is_named() {
    let proxy = proxy();
    let client = client(&proxy);
    let table = Table::new(name());
    DynamoDbStore::builder(&client, table.clone())
        .prepare()
        .await
        .unwrap();
    for operation in ["DescribeTable", "DescribeTimeToLive", "GetItem"] {
        proxy.always(operation, Some(Fault::Deny));
        let error = check(&client, &table).await.unwrap_err();
        assert!(
            error.to_string().contains(&format!("dynamodb:{operation}")),
            "{error}"
        );
        assert!(error.source().is_some());
        proxy.always(operation, None);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_without_asking() {
    let proxy = proxy();
    let client = client(&proxy);
    let builder = |table| DynamoDbStore::builder(&client, table);
    let error = builder(Table::new("")).build().unwrap_err();
    assert!(matches!(error, PrepareError::Table { .. }), "{error:?}");
    let hasty = builder(Table::new("market")).call_timeout(std::time::Duration::ZERO);
    let error = hasty.build().unwrap_err();
    assert!(
        matches!(error, PrepareError::CallTimeout { .. }),
        "{error:?}"
    );
    assert_eq!(proxy.requests(), 0);
}
