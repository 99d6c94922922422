//! The store contract, with two stores on one table.

use std::time::Duration;

use idem_core::store::Operation;
use idem_store_tests::Fixture;
use test_servers::DynamoDbFault;

use crate::server::{CROWDED, PATIENT, store_at};

async fn two_stores() -> Fixture {
    CROWDED.create_table().await;
    let proxy = CROWDED.proxy();
    let (one, other) = (store_at(&proxy, PATIENT), store_at(&proxy, PATIENT));
    let lose = move |operation| {
        let call = match operation {
            Operation::Claim | Operation::Complete => "PutItem",
            Operation::Renew => "UpdateItem",
            Operation::Release => "DeleteItem",
            _ => "GetItem",
        };
        proxy.next(call, &[DynamoDbFault::CutAfter]);
    };
    Fixture::new(one).client(other).crowd(100).faults(lose)
}

idem_store_tests::store_tests! {
    // What ran out is free for others 2 s later.
    clock: real(Duration::from_secs(1), Duration::from_secs(2)),
    store: two_stores().await,
}
