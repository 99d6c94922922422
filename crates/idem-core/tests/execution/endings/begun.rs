//! Where a transaction can begin and be handed over, and where not.

use std::io;

use idem_core::{
    CurrentExecution, TravelError, TravellingLease,
    store::{EnlistError, StoreIdentity},
};

use super::{client::created, ledger::Ledger, shop::Shop};
use crate::support::LEASE;

async fn send(lease: TravellingLease) -> Result<String, io::Error> {
    Ok(lease.to_text())
}

#[tokio::test(start_paused = true)]
async fn one_that_is_dropped_is_rolled_back_and_the_response_kept() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        let mut transaction = shop.ledger.begin(&current).unwrap();
        transaction.write("goat");
        drop(transaction);
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!((shop.ledger.written(), shop.ledger.open()), (vec![], 0));
    assert_eq!(shop.ledger.steps(), ["complete"]);
    assert_eq!(shop.retry().await, "replay: 201 done");
}

// S73
#[tokio::test(start_paused = true)]
async fn a_second_one_is_refused_until_the_first_is_dropped() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        let first = shop.ledger.begin(&current).unwrap();
        let again = current.clone();
        let second = shop.ledger.begin(&again).unwrap_err();
        assert_eq!(second, EnlistError::AlreadyBegun);
        drop(first);
        shop.ledger.order(&current, "goat");
        let third = shop.ledger.begin(&current).unwrap_err();
        assert_eq!(third, EnlistError::AlreadyBegun);
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
}

// S73
#[tokio::test(start_paused = true)]
async fn one_of_another_store_is_refused_and_takes_no_place() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        let other = Ledger::new().begin(&current).unwrap_err();
        assert_eq!(other, EnlistError::OtherStore);
        assert!(other.to_string().contains("same store"), "{other}");
        shop.ledger.order(&current, "goat");
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
}

#[test]
fn stores_on_the_same_parts_are_one_store() {
    let parts = |table| StoreIdentity::of_parts(["db", table]);
    assert_eq!(parts("a"), parts("a"));
    assert_ne!(parts("a"), parts("b"));
    assert_ne!(StoreIdentity::of_parts(["dba"]), parts("a"));
    assert_ne!(StoreIdentity::unique(), StoreIdentity::unique());
}

// S73
#[tokio::test(start_paused = true)]
async fn one_cannot_begin_once_the_lease_has_travelled() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        let on_its_way = async |_| {
            let begun = shop.ledger.begin(&current).unwrap_err();
            assert_eq!(begun, EnlistError::Travelled);
            Ok::<_, io::Error>(())
        };
        current.travel(LEASE, on_its_way).await.unwrap();
        let begun = shop.ledger.begin(&current).unwrap_err();
        assert_eq!(begun, EnlistError::Travelled);
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.events().last().unwrap(), "travelled");
}

#[tokio::test(start_paused = true)]
async fn one_can_begin_after_a_lease_that_could_not_be_sent() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        let sent = current.travel(LEASE, async |_| Err::<(), _>("the queue is full"));
        assert!(matches!(sent.await, Err(TravelError::Send(_))));
        shop.ledger.order(&current, "goat");
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_does_not_travel_from_under_a_transaction() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        let stays = async |current: &CurrentExecution| {
            let travelled = current.travel(LEASE, send).await;
            assert!(matches!(travelled, Err(TravelError::Enlisted)));
        };
        let mut transaction = shop.ledger.begin(&current).unwrap();
        stays(&current).await;
        transaction.write("goat");
        transaction.hand_over().unwrap();
        stays(&current).await;
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
    assert_eq!(shop.events(), ["execute", "recorded"]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_travels_once_the_transaction_is_dropped() {
    let shop = Shop::new();
    shop.request(async |current| {
        drop(shop.ledger.begin(&current).unwrap());
        current.travel(LEASE, send).await.unwrap();
        created()
    })
    .await;
    assert_eq!(shop.events().last().unwrap(), "travelled");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_handed_over_after_the_handler_returned_is_rolled_back() {
    let shop = Shop::new();
    let mut kept = None;
    let answer = shop.request(async |current| {
        let mut transaction = shop.ledger.begin(&current).unwrap();
        transaction.write("goat");
        kept = Some((current, transaction));
        created()
    });
    assert_eq!(answer.await, "201 done");
    let (current, transaction) = kept.unwrap();
    assert_eq!(transaction.hand_over(), Err(EnlistError::Ended));
    assert_eq!((shop.ledger.written(), shop.ledger.open()), (vec![], 0));
    let begun = shop.ledger.begin(&current).unwrap_err();
    assert_eq!(begun, EnlistError::Ended);
}
