//! Faults on the way, and others in the way.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, Record, StoreErrorKind},
};
use idem_dynamodb::DynamoDbStore;
use test_servers::DynamoDbFault as Fault;
use tokio::sync::Barrier;

use crate::server::{LONG, complete, key, lease, proxy, response, store, store_with, table};

#[tokio::test]
async fn an_error_says_whether_the_write_may_have_landed() {
    use StoreErrorKind as Kind;
    let proxy = proxy();
    let store = store(&proxy).await;
    for (fault, kind, may_have_landed) in [
        (Fault::CutBefore, Kind::Unavailable, true),
        (Fault::CutAfter, Kind::Unavailable, true),
        (Fault::InternalAfter, Kind::Unavailable, true),
        (Fault::Throttle, Kind::Full, false),
        (Fault::Exceeded, Kind::Full, false),
        (Fault::Deny, Kind::Rejected, false),
    ] {
        let (key, owner) = (key(), lease());
        proxy.forget_counts();
        proxy.next("PutItem", &[fault]);
        let error = store.claim(&key, &owner).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_landed()),
            (kind, may_have_landed),
            "{fault:?}"
        );
        assert_eq!(
            proxy.requests(),
            1,
            "the SDK sends nothing again: {fault:?}"
        );
        assert_eq!(
            store.claim(&key, &owner).await.unwrap(),
            Claim::Owned,
            "{fault:?}"
        );

        proxy.next("PutItem", &[fault]);
        let completing = store.complete(&key, &owner, &response("1"), LONG).await;
        assert_eq!(
            completing.unwrap_err().may_have_landed(),
            may_have_landed,
            "{fault:?}"
        );
        assert_eq!(
            complete(&store, &key, &owner).await,
            Fenced::Held,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_service_that_is_silent_is_given_up_in_time() {
    let proxy = proxy();
    let store = store_with(&proxy, Duration::from_millis(300)).await;
    proxy.next("PutItem", &[Fault::Hang]);
    let error = store.claim(&key(), &lease()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    assert!(error.may_have_landed());
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_written() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
        .endpoint_url(url);
    let client = Client::from_conf(config.build());
    let store = DynamoDbStore::builder(&client, table()).build().unwrap();
    let error = store.claim(&key(), &lease()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!error.may_have_landed());
}

#[tokio::test]
async fn a_transaction_that_is_at_work_on_the_record_is_waited_for() {
    let proxy = proxy();
    let store = store(&proxy).await;
    let (key, owner) = (key(), lease());
    proxy.next("PutItem", &[Fault::Conflict(0), Fault::Conflict(0)]);
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    assert_eq!(proxy.count("PutItem"), 3);
    proxy.next("PutItem", &[Fault::Conflict(0)]);
    let duplicate = store.claim(&key, &lease()).await.unwrap();
    assert!(matches!(duplicate, Claim::Taken(_)));
    proxy.next("UpdateItem", &[Fault::Conflict(0)]);
    assert_eq!(store.renew(&key, &owner).await.unwrap(), Fenced::Held);
    proxy.next("DeleteItem", &[Fault::Conflict(0)]);
    assert_eq!(store.release(&key, &owner).await.unwrap(), Fenced::Held);
}

#[tokio::test]
async fn a_transaction_that_stays_at_work_is_not_waited_for_for_ever() {
    let proxy = proxy();
    let store = store_with(&proxy, Duration::from_secs(4)).await;
    proxy.always("PutItem", Some(Fault::Conflict(0)));
    let error = store.claim(&key(), &lease()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!error.may_have_landed());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claims_from_many_clients_one_is_owned() {
    let (key, start) = (key(), Arc::new(Barrier::new(48)));
    let claims: Vec<_> = (0..48)
        .map(|_| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                let proxy = proxy();
                let store = store(&proxy).await;
                start.wait().await;
                store.claim(&key, &lease()).await.unwrap() == Claim::Owned
            })
        })
        .collect();
    let mut owned = 0;
    for claim in claims {
        owned += usize::from(claim.await.unwrap());
    }
    assert_eq!(owned, 1);
}

#[tokio::test]
async fn a_result_that_was_repeated_keeps_its_body() {
    let proxy = proxy();
    let store = store(&proxy).await;
    let (key, owner) = (key(), lease());
    let (first, second) = (response(vec![1; 5_000]), response(vec![2; 5_000]));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    for outcome in [&first, &second] {
        let completed = store.complete(&key, &owner, outcome, LONG).await.unwrap();
        assert_eq!(completed, Fenced::Held);
    }
    let Claim::Taken(Record::Completed(found)) = store.claim(&key, &lease()).await.unwrap() else {
        panic!("it is completed");
    };
    assert_eq!(*found.outcome(), first);
}

#[tokio::test]
async fn a_part_that_fails_leaves_the_record_as_it_was() {
    let proxy = proxy();
    let store = store(&proxy).await;
    let (key, owner, outcome) = (key(), lease(), response(vec![1; 5_000]));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    proxy.next("PutItem", &[Fault::CutAfter]);
    let error = store
        .complete(&key, &owner, &outcome, LONG)
        .await
        .unwrap_err();
    assert!(
        !error.may_have_landed(),
        "the record itself was not written"
    );
    let taken = store.claim(&key, &lease()).await.unwrap();
    assert!(matches!(taken, Claim::Taken(Record::Pending(_))));
}

#[tokio::test]
async fn a_part_that_is_throttled_is_sent_again_by_itself() {
    let proxy = proxy();
    let store = store(&proxy).await;
    let (key, owner, outcome) = (key(), lease(), response(vec![1; 900_000]));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    proxy.forget_counts();
    proxy.next("PutItem", &[Fault::Throttle, Fault::Exceeded]);
    let completed = store.complete(&key, &owner, &outcome, LONG).await.unwrap();
    assert_eq!(completed, Fenced::Held);
    assert_eq!(proxy.count("PutItem"), 3 + 2 + 1);

    proxy.next("GetItem", &[Fault::Throttle]);
    let found = store.claim(&key, &lease()).await.unwrap();
    assert!(matches!(found, Claim::Taken(Record::Completed(_))));
    assert_eq!(proxy.count("GetItem"), 3 + 1);
}

#[tokio::test]
async fn parts_that_stay_throttled_are_given_up() {
    let proxy = proxy();
    let store = store_with(&proxy, Duration::from_secs(2)).await;
    let (key, owner, outcome) = (key(), lease(), response(vec![1; 5_000]));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    proxy.always("PutItem", Some(Fault::Throttle));
    let completed = store.complete(&key, &owner, &outcome, LONG).await;
    let error = completed.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
    assert!(!error.may_have_landed());
}
