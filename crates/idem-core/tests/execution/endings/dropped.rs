//! Executions that are dropped with a transaction, and clients that hang up.

use std::{
    future::pending,
    pin::pin,
    task::{Context, Waker},
};

use idem_core::store::EnlistError;
use tokio::{
    runtime::Builder,
    time::{advance, sleep},
};

use super::{
    client::{Answer, created},
    ledger::Fate,
    shop::{Shop, spawn},
};
use crate::support::{LEASE, SECOND, begin, executing};

/// A runtime on a paused clock, for what is dropped outside.
fn runtime() -> tokio::runtime::Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

#[test]
fn one_that_is_dropped_outside_a_runtime_rolls_back() {
    let shop = Shop::new();
    let mut guarded = Box::pin(shop.request_later({
        let shop = shop.clone();
        async move |current| {
            shop.ledger.order(&current, "goat");
            pending::<Answer>().await
        }
    }));
    let runtime = runtime();
    runtime.block_on(async {
        let mut context = Context::from_waker(Waker::noop());
        assert!(guarded.as_mut().poll(&mut context).is_pending());
    });
    assert_eq!(shop.ledger.open(), 1);
    drop(runtime);
    drop(guarded);
    assert_eq!((shop.ledger.written(), shop.ledger.open()), (vec![], 0));
    assert_eq!(shop.events(), ["execute", "abandoned"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_dropped_rolls_back_and_leaves_the_key_to_its_lease() {
    let shop = Shop::new();
    let mut current = None;
    {
        let mut dropped = pin!(shop.request(async |own| {
            shop.ledger.order(&own, "goat");
            current = Some(own);
            pending().await
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
    }
    // A clone of what the handler had keeps nothing open.
    assert_eq!(shop.ledger.open(), 0);
    assert_eq!(shop.ledger.steps(), [""; 0]);
    assert_eq!(shop.events(), ["execute", "abandoned"]);
    assert!(shop.retry().await.starts_with("202"));
    // And takes no other one, which nobody would commit.
    let begun = shop.ledger.begin(&current.unwrap());
    assert_eq!(begun.unwrap_err(), EnlistError::Ended);
    advance(LEASE).await;
    assert_eq!(shop.retry().await, "201 done again");
    assert_eq!(shop.ledger.written(), ["goat again"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_begun_in_an_execution_that_is_dropped_is_not_taken() {
    let shop = Shop::new();
    let execution = executing(begin(&shop.idempotency).await);
    let transaction = shop.ledger.begin(execution.current()).unwrap();
    drop(execution);
    assert_eq!(transaction.hand_over(), Err(EnlistError::Ended));
    assert_eq!(shop.ledger.open(), 0);
}

// S74
#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_cancels_nothing() {
    let late = Fate::LandsAfter(SECOND);
    for fate in [Fate::Lands, Fate::AnswerLost, late] {
        let shop = Shop::new();
        shop.ledger.commit(fate);
        let request = spawn(&shop, async |current, shop| {
            shop.ledger.order(&current, "goat");
            sleep(SECOND).await;
            created()
        });
        tokio::task::yield_now().await;
        assert_eq!(shop.ledger.open(), 1);
        request.abort();
        sleep(5 * SECOND).await;
        assert_eq!(shop.ledger.written(), ["goat"]);
        assert_eq!(shop.retry().await, "replay: 201 done");
        assert_eq!(shop.ledger.written(), ["goat"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_commit() {
    let shop = Shop::new();
    shop.ledger.commit(Fate::LandsAfter(3 * SECOND));
    let request = spawn(&shop, async |current, shop| {
        shop.ledger.order(&current, "goat");
        created()
    });
    tokio::task::yield_now().await;
    shop.idempotency.drain().await;
    assert_eq!(shop.ledger.written(), ["goat"]);
    assert_eq!(request.await.unwrap(), Ok("201 done".to_owned()));
}
