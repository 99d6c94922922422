//! What is kept or freed, where everybody answers.

use std::time::Duration;

use idem_core::{Headers, Policy, Response, store::RolledBack};
use tokio::time::{Instant, sleep};

use super::{
    client::{Body, created},
    ledger::{Fate, Ledger},
    shop::{Shop, lapse},
};
use crate::support::SECOND;

const UNDONE: &str = "503 idempotency-rolled-back, retry";

#[tokio::test(start_paused = true)]
async fn effect_and_record_are_there_before_the_client_has_its_answer() {
    let shop = Shop::new();
    assert_eq!(shop.order().await, "201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
    assert_eq!(shop.ledger.steps(), ["commit"]);
    assert_eq!(shop.retry().await, "replay: 201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
    assert_eq!(shop.events(), ["execute", "recorded", "replay"]);
}

// S65
#[tokio::test(start_paused = true)]
async fn a_lease_that_ran_out_commits_if_nobody_took_over() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        shop.ledger.order(&current, "goat");
        lapse().await;
        assert!(current.is_lost());
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.retry().await, "replay: 201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
}

// S68, S69, S70
#[tokio::test(start_paused = true)]
async fn a_commit_that_failed_is_undone_and_frees_the_key() {
    fn teapot() -> RolledBack {
        let body = "out of goats".into();
        let answer = Response::new(409, Headers::default(), body);
        RolledBack::for_good().with_answer(answer)
    }
    let for_now: fn() -> RolledBack = RolledBack::for_now;
    let cases = [
        (for_now, UNDONE, "undone"),
        (
            RolledBack::for_good,
            "500 idempotency-not-committed",
            "undone",
        ),
        (
            || RolledBack::for_good().with_source("a deferred constraint"),
            "500 idempotency-not-committed",
            "undone: a deferred constraint",
        ),
        (teapot, "409 out of goats", "undone"),
    ];
    for (why, answer, event) in cases {
        let shop = Shop::new();
        shop.ledger.commit(Fate::Refused(why));
        assert_eq!(shop.order().await, answer);
        assert_eq!(shop.ledger.written(), [""; 0]);
        assert_eq!(shop.ledger.steps(), ["commit", "release"]);
        assert_eq!(shop.events(), ["execute", event, "rolled_back"]);
        assert_eq!(shop.retry().await, "201 done again");
        assert_eq!(shop.ledger.written(), ["goat again"]);
    }
}

// S66
#[tokio::test(start_paused = true)]
async fn a_failure_is_undone_where_the_profile_frees_it_and_committed_where_it_keeps_it() {
    for (status, answer) in [(402, "402 no"), (404, "404 no"), (500, "500 no")] {
        for (policy, kept) in [(Policy::reference(), false), (Policy::stripe(), true)] {
            if status == 404 && kept {
                continue;
            }
            let shop = Shop::on(Ledger::new(), policy);
            let got = shop.request(async |current| {
                shop.ledger.order(&current, "goat");
                Ok((status, Body::Whole("no")))
            });
            assert_eq!(got.await, answer);
            let (events, steps, retried) = if kept {
                let replay = format!("replay: {answer}");
                (["execute", "recorded"], vec!["commit"], replay)
            } else {
                let steps = vec!["roll back", "rolled back", "release"];
                (["execute", "freed"], steps, "201 done again".to_owned())
            };
            assert_eq!(shop.events(), events);
            assert_eq!(shop.ledger.steps(), steps);
            assert_eq!(shop.retry().await, retried);
            let written = if kept { "goat" } else { "goat again" };
            assert_eq!(shop.ledger.written(), [written]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_response_is_undone() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        shop.ledger.order(&current, "goat");
        Err("no shelf")
    });
    assert_eq!(answer.await, "error: no shelf");
    assert_eq!(shop.events(), ["execute", "freed"]);
    assert_eq!(shop.retry().await, "201 done again");
    assert_eq!(shop.ledger.written(), ["goat again"]);
}

// S71
#[tokio::test(start_paused = true)]
async fn what_is_not_kept_is_committed_with_a_tombstone_before_the_first_byte() {
    let stream = || (Body::Stream, "201 a stream");
    let large = || {
        (
            Body::Whole("a response of more than ten bytes"),
            "201 a response of more than ten bytes",
        )
    };
    for (body, answer) in [stream(), large()] {
        let policy = Policy::reference().max_response_bytes(10);
        let shop = Shop::on(Ledger::new(), policy);
        let got = shop.request(async |current| {
            shop.ledger.order(&current, "goat");
            Ok((201, body))
        });
        assert_eq!(got.await, answer);
        assert_eq!(shop.ledger.written(), ["goat"]);
        assert_eq!(shop.events(), ["execute", "recorded"]);
        assert_eq!(shop.retry().await, "409 idempotency-response-not-kept");
        assert_eq!(shop.ledger.written(), ["goat"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_answered_at_once_while_the_transaction_is_open() {
    let shop = Shop::new();
    let answer = shop.request(async |current| {
        shop.ledger.order(&current, "goat");
        let duplicate = shop.another().order().await;
        assert!(duplicate.starts_with("202 idempotency-in-progress"));
        created()
    });
    assert_eq!(answer.await, "201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_waits_is_answered_the_moment_that_the_transaction_is_over() {
    const END: Duration = Duration::from_millis(2_203);
    // One whose transaction fails frees the key, and the duplicate's own fails too.
    let fates = [
        (Fate::Lands, "replay: 201 done"),
        (Fate::Refused(RolledBack::for_now), UNDONE),
    ];
    for (fate, answer) in fates {
        let policy = Policy::reference().wait(5 * SECOND, 10);
        let shop = Shop::on(Ledger::new(), policy);
        shop.ledger.commit(fate);
        let original = shop.request(async |current| {
            shop.ledger.order(&current, "goat");
            sleep(END).await;
            created()
        });
        let started = Instant::now();
        let (_, duplicate) = tokio::join!(original, shop.order());
        assert_eq!((duplicate.as_str(), started.elapsed()), (answer, END));
    }
}
