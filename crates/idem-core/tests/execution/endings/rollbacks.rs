//! Rollbacks that nobody hears of, and releases that are not answered.

use std::pin::Pin;

use idem_core::{
    Headers, IdempotencyStore, Response,
    store::{
        Commit, Completion, Ending, Operation, Renewals, RolledBack, StoreError, StoreErrorKind,
    },
};
use idem_store_tests::Fault;
use tokio::time::{Instant, advance};

use super::{
    client::Body,
    ledger::{Fate, RollBack},
    shop::{Shop, spawn},
};
use crate::support::{INSTANT, LEASE, SECOND};

const UNDONE: &str = "503 idempotency-rolled-back, retry";
const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

async fn is_left_to_its_lease(shop: &Shop, claimed: Instant) {
    assert!(!shop.ledger.steps().contains(&"release"));
    // An ending that never answers has the whole lease.
    if claimed.elapsed() < LEASE {
        let told = shop.retry().await;
        assert!(told.starts_with("202 idempotency-in-progress"), "{told}");
        advance(LEASE).await;
    }
    assert_eq!(shop.retry().await, "201 done again");
    assert_eq!(shop.ledger.written(), ["goat again"]);
}

async fn fails(shop: &Shop) -> String {
    shop.request(async |current| {
        shop.ledger.order(&current, "goat");
        Ok((404, Body::Whole("no")))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn the_key_is_freed_after_the_rollback_was_waited_for() {
    let shop = Shop::new();
    shop.ledger.roll_back(RollBack::HeardAfter(3 * SECOND));
    let began = Instant::now();
    assert_eq!(fails(&shop).await, "404 no");
    assert_eq!(began.elapsed().as_secs(), 3);
    let steps = ["roll back", "rolled back", "release"];
    assert_eq!(shop.ledger.steps(), steps);
    assert_eq!(shop.retry().await, "201 done again");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_nobody_heard_frees_nothing() {
    for fate in [RollBack::Unheard, RollBack::Hangs, RollBack::Panics] {
        let shop = Shop::new();
        shop.ledger.roll_back(fate);
        let began = Instant::now();
        assert_eq!(fails(&shop).await, "404 no", "{fate:?}");
        assert!(began.elapsed() <= LEASE + INSTANT);
        assert_eq!(shop.ledger.steps(), ["roll back"]);
        assert_eq!(shop.ledger.open(), 0);
        assert!(
            shop.events()[1].starts_with("unrecorded"),
            "{:?}",
            shop.events()
        );
        is_left_to_its_lease(&shop, began).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_failed_and_was_not_heard_to_end_frees_nothing() {
    let cases: [fn() -> RolledBack; 3] = [
        || RolledBack::for_now().unheard(),
        || RolledBack::for_good().unheard(),
        || {
            let answer = Response::new(409, Headers::default(), "out of goats".into());
            RolledBack::for_good().with_answer(answer).unheard()
        },
    ];
    for why in cases {
        let shop = Shop::new();
        shop.ledger.commit(Fate::Refused(why));
        let began = Instant::now();
        assert_eq!(shop.order().await, UNDONE);
        assert_eq!(shop.ledger.steps(), ["commit"]);
        is_left_to_its_lease(&shop, began).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_not_answered_leaves_the_key_to_its_lease() {
    for fault in [UNAVAILABLE, Fault::Mute] {
        let shop = Shop::new();
        shop.ledger.commit(Fate::Refused(RolledBack::for_good));
        shop.ledger.records.fail(Operation::Release, fault);
        assert_eq!(shop.order().await, UNDONE);
        assert_eq!(shop.events(), ["execute", "undone", "unrecorded: release"]);
        assert_eq!(shop.retry().await.split(' ').next(), Some("202"));
        advance(LEASE).await;
        assert_eq!(shop.retry().await, "201 done again");
        assert_eq!(shop.ledger.written(), ["goat again"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_whose_answer_was_lost_is_sent_again() {
    let shop = Shop::new();
    shop.ledger.commit(Fate::Refused(RolledBack::for_good));
    let lost = Fault::ReplyLost;
    shop.ledger.records.fail_next(Operation::Release, lost);
    assert_eq!(shop.order().await, "500 idempotency-not-committed");
    assert_eq!(shop.events(), ["execute", "undone", "rolled_back"]);
    assert_eq!(shop.retry().await, "201 done again");
}

// S66
#[tokio::test(start_paused = true)]
async fn a_panic_is_undone_then_frees_the_key_and_goes_on_unwinding() {
    for (fate, freed) in [
        (RollBack::Heard, true),
        (RollBack::HeardAfter(SECOND), true),
        (RollBack::Unheard, false),
        (RollBack::Hangs, false),
        (RollBack::Panics, false),
    ] {
        let shop = Shop::new();
        shop.ledger.roll_back(fate);
        let began = Instant::now();
        let panicking = spawn(&shop, async |current, shop| {
            shop.ledger.order(&current, "goat");
            panic!("a planted panic")
        });
        let panic = panicking.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"a planted panic"), "{fate:?}");
        assert_eq!(shop.ledger.open(), 0);
        if freed {
            let steps = ["roll back", "rolled back", "release"];
            assert_eq!(shop.ledger.steps(), steps);
            assert_eq!(shop.events(), ["execute", "panicked"]);
            assert_eq!(shop.retry().await, "201 done again");
            assert_eq!(shop.ledger.written(), ["goat again"]);
        } else {
            is_left_to_its_lease(&shop, began).await;
        }
    }
}

/// One that is written by hand, and panics before it has a future.
#[derive(Debug)]
struct Rash;

impl Ending for Rash {
    fn commit<'c, 'f>(
        self: Box<Self>,
        _: Completion<'c>,
    ) -> Pin<Box<dyn Future<Output = Commit> + Send + 'f>>
    where
        'c: 'f,
    {
        panic!("a planted panic before COMMIT")
    }

    fn roll_back<'f>(
        self: Box<Self>,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'f>> {
        panic!("a planted panic before ROLLBACK")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_there_is_a_future_takes_nothing_down() {
    for (status, answer) in [
        (201, "503 idempotency-outcome-unknown, retry"),
        (404, "404 no"),
    ] {
        let shop = Shop::new();
        let began = Instant::now();
        let got = shop.request(async |current| {
            let store = shop.ledger.records.identity();
            let reservation = current.reserve(store, Renewals::GoOn).unwrap();
            reservation.enlist(Rash).unwrap();
            Ok((status, Body::Whole("no")))
        });
        assert_eq!(got.await, answer);
        is_left_to_its_lease(&shop, began).await;
    }
}
