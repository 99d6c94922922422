//! The service's clock, told by the proxy's `Date`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{Claim, Fenced, Lease, Record},
};

use test_servers::DynamoDbFault as Fault;

use crate::server::{LONG, client, complete, key, lease, proxy, record_item, response, store};

/// When the item ends, in seconds from now by this machine's clock.
async fn ends_in(client: &Client, key: &RecordKey, attribute: &str) -> i64 {
    let item = record_item(client, key).await;
    let ends: i64 = item[attribute].as_n().unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    match attribute {
        "ttl" => ends - now.as_secs() as i64,
        _ => ends / 1000 - now.as_secs() as i64,
    }
}

#[tokio::test]
async fn a_claim_with_a_wrong_time_is_put_right_once() {
    for skew in [-3600, -5, 5, 3600] {
        let proxy = proxy();
        let (store, client) = (store(&proxy).await, client(&proxy));
        proxy.skew(skew);
        let (one, other, owner) = (key(), key(), lease());
        assert_eq!(store.claim(&one, &owner).await.unwrap(), Claim::Owned);
        assert_eq!((proxy.count("PutItem"), proxy.count("UpdateItem")), (1, 1));
        let ends = ends_in(&client, &one, "idem_until").await;
        assert!((skew + 57..skew + 64).contains(&ends), "{ends}");

        assert_eq!(store.claim(&other, &owner).await.unwrap(), Claim::Owned);
        assert_eq!((proxy.count("PutItem"), proxy.count("UpdateItem")), (2, 1));
        let ends = ends_in(&client, &other, "idem_until").await;
        assert!((skew + 57..skew + 64).contains(&ends), "{ends}");
    }
}

#[tokio::test]
async fn a_skew_below_the_margin_costs_nothing() {
    let proxy = proxy();
    let store = store(&proxy).await;
    proxy.skew(1);
    assert_eq!(store.claim(&key(), &lease()).await.unwrap(), Claim::Owned);
    assert_eq!(proxy.count("UpdateItem"), 0);
}

#[tokio::test]
async fn a_renewal_and_a_result_are_put_right_too() {
    let proxy = proxy();
    let (store, client) = (store(&proxy).await, client(&proxy));
    let (key, owner) = (key(), lease());
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    proxy.skew(40);
    assert_eq!(store.renew(&key, &owner).await.unwrap(), Fenced::Held);
    let ends = ends_in(&client, &key, "idem_until").await;
    assert!((97..104).contains(&ends), "{ends}");
    proxy.skew(1000);
    assert_eq!(complete(&store, &key, &owner).await, Fenced::Held);
    let ends = ends_in(&client, &key, "idem_until").await;
    assert!((1057..1064).contains(&ends), "{ends}");
}

#[tokio::test]
async fn a_host_whose_clock_is_ahead_keeps_and_frees_its_lease() {
    let proxy = proxy();
    let store_of = async || store(&proxy).await;
    proxy.skew(-3600);
    let (key, owner) = (key(), lease());
    assert_eq!(
        store_of().await.claim(&key, &owner).await.unwrap(),
        Claim::Owned
    );
    // As in a process to which the lease has travelled, and which has not heard what time it is.
    let renewed = store_of().await.renew(&key, &owner).await.unwrap();
    assert_eq!(renewed, Fenced::Held);
    let released = store_of().await.release(&key, &owner).await.unwrap();
    assert_eq!(released, Fenced::Held);
    let released = store_of().await.release(&key, &owner).await.unwrap();
    assert_eq!(released, Fenced::Lost);
}

#[tokio::test]
async fn a_renewal_by_a_host_whose_clock_is_behind_ends_no_lease() {
    let proxy = proxy();
    let (one, other, client) = (store(&proxy).await, store(&proxy).await, client(&proxy));
    proxy.skew(3600);
    let (key, owner) = (key(), lease());
    assert_eq!(one.claim(&key, &owner).await.unwrap(), Claim::Owned);
    proxy.next("UpdateItem", &[Fault::CutAfter]);
    assert!(other.renew(&key, &owner).await.is_err());
    let ends = ends_in(&client, &key, "idem_until").await;
    assert!((3650..3664).contains(&ends), "{ends}");
    assert_eq!(other.renew(&key, &owner).await.unwrap(), Fenced::Held);
    let ends = ends_in(&client, &key, "idem_until").await;
    assert!((3655..3664).contains(&ends), "{ends}");
}

#[tokio::test]
async fn a_lease_is_renewed_for_a_shorter_time() {
    let proxy = proxy();
    let (store, client) = (store(&proxy).await, client(&proxy));
    let (key, owner) = (key(), lease());
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    let short = Lease::of_owner(*owner.owner(), *owner.identity(), Duration::from_secs(20));
    assert_eq!(store.renew(&key, &short).await.unwrap(), Fenced::Held);
    let ends = ends_in(&client, &key, "idem_until").await;
    assert!((17..24).contains(&ends), "{ends}");
}

#[tokio::test]
async fn a_result_with_a_wrong_time_whose_answer_was_lost_is_put_right() {
    for skew in [-7200, 7200] {
        let proxy = proxy();
        let (one, other) = (store(&proxy).await, store(&proxy).await);
        let client = client(&proxy);
        let (key, owner) = (key(), lease());
        assert_eq!(one.claim(&key, &owner).await.unwrap(), Claim::Owned);
        proxy.skew(skew);
        proxy.next("PutItem", &[Fault::CutAfter]);
        let answer = one.complete(&key, &owner, &response("1"), LONG).await;
        assert!(answer.is_err());
        assert_eq!(complete(&one, &key, &owner).await, Fenced::Held);
        let ends = ends_in(&client, &key, "idem_until").await;
        assert!((skew + 57..skew + 64).contains(&ends), "{ends}");
        let found = other.claim(&key, &lease()).await.unwrap();
        assert!(
            matches!(found, Claim::Taken(Record::Completed(_))),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_duplicate_with_a_wrong_time_is_told_by_the_right_one() {
    let proxy = proxy();
    let (one, other) = (store(&proxy).await, store(&proxy).await);
    let (key, owner) = (key(), lease());
    proxy.skew(3600);
    assert_eq!(one.claim(&key, &owner).await.unwrap(), Claim::Owned);
    // It thinks that the lease has an hour more, until it hears the answer.
    let Claim::Taken(Record::Pending(found)) = other.claim(&key, &lease()).await.unwrap() else {
        panic!("the lease runs");
    };
    let left = found.remaining().unwrap();
    assert!(
        (LONG - Duration::from_secs(3)..=LONG + Duration::from_secs(3)).contains(&left),
        "{left:?}"
    );
}

#[tokio::test]
async fn what_is_over_is_free_for_others_after_the_margin_alone() {
    for _ in 0..20 {
        let began = Instant::now();
        let (renewed, found) = a_second_after_its_end().await;
        // A machine with other work may have taken the margin for it.
        if began.elapsed() < Duration::from_millis(900) {
            assert_eq!(renewed, Fenced::Lost, "its holder has it no longer");
            assert!(
                matches!(found, Claim::Taken(_)),
                "others do not have it yet: {found:?}"
            );
            return;
        }
    }
    panic!("the machine is too slow");
}

/// What the holder of a lease and what another hears, as far as the service's clock goes.
async fn a_second_after_its_end() -> (Fenced, Claim) {
    let proxy = proxy();
    let (one, other) = (store(&proxy).await, store(&proxy).await);
    let (taken, owner) = (key(), lease());
    assert_eq!(one.claim(&taken, &owner).await.unwrap(), Claim::Owned);
    proxy.skew(61);
    // Each hears the time from an answer.
    for store in [&one, &other] {
        assert_eq!(store.claim(&key(), &lease()).await.unwrap(), Claim::Owned);
    }
    let renewed = one.renew(&taken, &owner).await.unwrap();
    (renewed, other.claim(&taken, &lease()).await.unwrap())
}

#[tokio::test]
async fn a_host_whose_clock_is_ahead_takes_nothing_that_still_runs() {
    let proxy = proxy();
    let (one, other) = (store(&proxy).await, store(&proxy).await);
    let (taken, owner) = (key(), lease());
    // DynamoDB is an hour behind, which the other one has not heard.
    proxy.skew(-3600);
    assert_eq!(one.claim(&taken, &owner).await.unwrap(), Claim::Owned);
    let found = other.claim(&taken, &lease()).await.unwrap();
    assert!(matches!(found, Claim::Taken(_)), "{found:?}");
    let unheard = store(&proxy).await;
    assert_eq!(complete(&unheard, &taken, &lease()).await, Fenced::Lost);
    assert_eq!(complete(&one, &taken, &owner).await, Fenced::Held);
}

#[tokio::test]
async fn what_is_over_is_free_for_others() {
    let proxy = proxy();
    let (one, other) = (store(&proxy).await, store(&proxy).await);
    let (taken, owner) = (key(), lease());
    assert_eq!(one.claim(&taken, &owner).await.unwrap(), Claim::Owned);
    proxy.skew(65);
    // The first claim finds a lease that runs, as far as this machine's clock goes, and looks again.
    assert_eq!(other.claim(&taken, &lease()).await.unwrap(), Claim::Owned);
    assert_eq!(complete(&one, &taken, &owner).await, Fenced::Lost);
}

#[tokio::test]
async fn dynamodb_deletes_nothing_that_counts() {
    let proxy = proxy();
    let (store, client) = (store(&proxy).await, client(&proxy));
    let (key, owner) = (key(), lease());
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    assert!(ends_in(&client, &key, "ttl").await > 3600 + 55);
    assert_eq!(complete(&store, &key, &owner).await, Fenced::Held);
    assert!(ends_in(&client, &key, "ttl").await > 3600 + 55);
}
