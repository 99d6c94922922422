//! The lease was taken over while the transaction was open: the client gets what a duplicate gets now.

use idem_core::{
    Policy,
    store::{Operation, RolledBack, StoreErrorKind},
};
use idem_store_tests::Fault;

use super::{
    client::{Answer, Body, created},
    ledger::{Fate, Ledger},
    shop::{Shop, lapse},
};
use crate::support::admit;

const UNDONE: &str = "503 idempotency-rolled-back, retry";
const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

/// How the commit fails: above READ COMMITTED "lost" looks like "failed".
const FAILURES: [Fate; 3] = [
    Fate::Lands,
    Fate::Refused(RolledBack::for_now),
    Fate::Refused(RolledBack::for_good),
];

/// A request whose lease runs out before it hands over, after which somebody else comes.
async fn overtaken(shop: &Shop, fate: Fate, others: impl AsyncFnOnce()) -> String {
    let answer = shop
        .request(async |current| {
            let mut transaction = shop.ledger.begin(&current).unwrap();
            transaction.write("goat");
            lapse().await;
            others().await;
            transaction.hand_over().unwrap();
            shop.ledger.commit(fate);
            created()
        })
        .await;
    assert_eq!(shop.ledger.open(), 0);
    answer
}

// S64, S69
#[tokio::test(start_paused = true)]
async fn whoever_lost_gets_the_response_of_who_took_over() {
    for fate in FAILURES {
        let shop = Shop::new();
        let other = shop.another();
        let answer = overtaken(&shop, fate, async || {
            assert_eq!(other.retry().await, "201 done again");
        });
        assert_eq!(answer.await, "replay: 201 done again");
        assert_eq!(shop.ledger.written(), ["goat again"]);
        assert_eq!(
            shop.events(),
            [
                "execute",
                "renewal Lost",
                "lost at renew",
                "undone",
                "lost at release"
            ]
        );
        assert_eq!(shop.retry().await, "replay: 201 done again");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_gets_in_progress_while_the_other_runs() {
    for fate in FAILURES {
        let shop = Shop::new();
        let other = shop.another();
        let mut running = None;
        let answer = overtaken(&shop, fate, async || {
            let protected = admit(&other.idempotency);
            running = Some(other.idempotency.begin(protected, b"{}").await);
        });
        let told = answer.await;
        assert!(told.starts_with("202 idempotency-in-progress"), "{told}");
        // The other's lease is untouched.
        let told = shop.another().order().await;
        assert!(told.starts_with("202 idempotency-in-progress"), "{told}");
        assert_eq!(shop.ledger.written(), [""; 0]);
        drop(running);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_gets_what_a_duplicate_gets_whatever_it_is() {
    let stream: fn() -> Answer = || Ok((201, Body::Stream));
    for (payload, response, answer) in [
        (
            "[1]",
            created as fn() -> Answer,
            "400 idempotency-key-reused",
        ),
        ("{}", stream, "409 idempotency-response-not-kept"),
    ] {
        for fate in FAILURES {
            let shop = Shop::new();
            let other = shop.another();
            let got = overtaken(&shop, fate, async || {
                other
                    .request_with(payload, async |current| {
                        other.ledger.order(&current, "theirs");
                        response()
                    })
                    .await;
            });
            assert_eq!(got.await, answer);
            assert_eq!(shop.ledger.written(), ["theirs"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_stands_any_more_the_client_is_told_to_try_again() {
    let shop = Shop::new();
    let got = overtaken(&shop, FAILURES[2], async || {}).await;
    assert_eq!(got, UNDONE);
    assert_eq!(shop.retry().await, "201 done again");
    assert_eq!(shop.ledger.written(), ["goat again"]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_be_asked_what_stands_the_client_is_told_to_try_again() {
    for fate in FAILURES {
        let shop = Shop::new();
        let other = shop.another();
        let got = overtaken(&shop, fate, async || {
            assert_eq!(other.order().await, "201 done");
            shop.ledger.records.fail(Operation::LookUp, UNAVAILABLE);
        });
        assert_eq!(got.await, UNDONE);
        assert_eq!(shop.retry().await, "replay: 201 done");
        assert_eq!(shop.ledger.written(), ["goat"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lost_its_lease_frees_nothing_of_the_others() {
    let shop = Shop::on(Ledger::new(), Policy::reference());
    let other = shop.another();
    let answer = shop.request(async |current| {
        shop.ledger.order(&current, "goat");
        lapse().await;
        assert_eq!(other.retry().await, "201 done again");
        Ok((404, Body::Whole("no")))
    });
    assert_eq!(answer.await, "404 no");
    assert_eq!(shop.retry().await, "replay: 201 done again");
    assert_eq!(shop.ledger.written(), ["goat again"]);
}
