//! The lease while a transaction is open: renewed, or left alone where a renewal would wait for it.

use std::time::Duration;

use idem_core::{
    CurrentExecution, Policy,
    store::{Operation, Renewals, StoreErrorKind},
};
use idem_store_tests::Fault;
use tokio::time::sleep;

use super::{
    client::{Body, created},
    ledger::Ledger,
    shop::Shop,
};
use crate::support::{LEASE, SECOND};

fn shop(renewals: Renewals) -> Shop {
    let mut ledger = Ledger::new();
    ledger.renewals = renewals;
    Shop::on(ledger, Policy::reference())
}

/// Works this long before it hands over, and this long after.
async fn slowly(shop: &Shop, current: &CurrentExecution, before: Duration, after: Duration) {
    let mut transaction = shop.ledger.begin(current).unwrap();
    transaction.write("goat");
    sleep(before).await;
    transaction.hand_over().unwrap();
    sleep(after).await;
}

// S76, S69b
#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_while_a_transaction_is_open() {
    let shop = shop(Renewals::GoOn);
    let answer = shop.request(async |current| {
        slowly(&shop, &current, 3 * LEASE, 3 * LEASE).await;
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.log.count("renewal Held"), 17);
    assert_eq!(shop.ledger.written(), ["goat"]);
    assert_eq!(shop.retry().await, "replay: 201 done");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_paused_is_neither_renewed_nor_lost_until_the_transaction_is_over() {
    let two = 2 * LEASE;
    for (before, after, fixed) in [
        (two, two, false),
        (SECOND, two, false),
        (two, two, true),
        (SECOND, two, true),
    ] {
        let shop = shop(Renewals::Pause);
        // A renewal would wait for the transaction, and fail.
        let fault = Fault::Refused(StoreErrorKind::Timeout);
        shop.ledger.records.fail(Operation::Renew, fault);
        let handler = async |current: CurrentExecution| {
            slowly(&shop, &current, before, after).await;
            assert!(!current.is_lost());
            created()
        };
        let answer = if fixed {
            shop.request_for(idem_core::LeaseTerm::fixed(LEASE), handler)
                .await
        } else {
            shop.request(handler).await
        };
        assert_eq!(answer, "201 done");
        assert_eq!(shop.events(), ["execute", "recorded"]);
        assert_eq!(shop.ledger.records.calls(Operation::Renew), 0);
        assert_eq!(shop.ledger.written(), ["goat"]);
    }
}

#[tokio::test(start_paused = true)]
async fn renewals_go_on_once_the_transaction_is_dropped() {
    let shop = shop(Renewals::Pause);
    let answer = shop.request(async |current| {
        let transaction = shop.ledger.begin(&current).unwrap();
        sleep(LEASE - SECOND).await;
        assert_eq!(shop.log.count("renewal Held"), 0);
        drop(transaction);
        sleep(2 * LEASE).await;
        assert!(!current.is_lost());
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.log.count("renewal Held"), 6);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ran_out_while_it_was_paused_is_lost_once_the_transaction_is_dropped() {
    let shop = shop(Renewals::Pause);
    let answer = shop.request(async |current| {
        let transaction = shop.ledger.begin(&current).unwrap();
        sleep(2 * LEASE).await;
        drop(transaction);
        sleep(SECOND).await;
        assert!(current.is_lost());
        Ok((404, Body::Whole("no")))
    });
    assert_eq!(answer.await, "404 no");
    assert_eq!(shop.events()[1..3], ["renewal Lost", "lost at renew"]);
}
