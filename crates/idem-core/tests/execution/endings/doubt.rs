//! A COMMIT of which nobody knows whether it landed.

use idem_core::{
    OnLeaseEnd, Policy,
    store::{Operation, StoreErrorKind},
};
use idem_store_tests::Fault;
use tokio::time::{Instant, advance};

use super::{
    client::created,
    ledger::{Fate, Ledger, Question},
    shop::{Shop, lapse},
};
use crate::support::{LEASE, SECOND};

const UNDONE: &str = "503 idempotency-rolled-back, retry";
const UNKNOWN: &str = "503 idempotency-outcome-unknown, retry";
const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

fn in_doubt(fate: Fate, questions: &[Question]) -> Shop {
    let shop = Shop::new();
    shop.ledger.commit(fate);
    shop.ledger.questions(questions.iter().copied());
    shop
}

/// Events without their causes.
fn in_brief(events: &[String]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event.split(':').next())
        .collect()
}

// S67
#[tokio::test(start_paused = true)]
async fn a_commit_that_landed_is_answered_as_one() {
    let none = &[][..];
    for (fate, questions) in [
        (Fate::AnswerLost, none),
        (Fate::AnswerLost, &[Question::NotAsked; 3]),
        (Fate::LandsAfter(SECOND / 2), none),
        // Longer than a question may take, so that it is asked again.
        (Fate::LandsAfter(3 * SECOND), none),
        (Fate::LandsAfter(SECOND), &[Question::NotAsked; 3]),
    ] {
        let shop = in_doubt(fate, questions);
        assert_eq!(shop.order().await, "201 done");
        assert_eq!(shop.ledger.written(), ["goat"]);
        assert_eq!(shop.events(), ["execute", "in doubt", "recorded"]);
        assert_eq!(shop.retry().await, "replay: 201 done");
        assert_eq!(shop.ledger.written(), ["goat"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_did_not_land_frees_the_key() {
    for questions in [
        &[][..],
        &[Question::NotAsked; 3],
        // It had freed the key, although its answer was lost.
        &[Question::AnswerLost],
        &[Question::Panics],
        &[Question::Hangs],
    ] {
        let shop = in_doubt(Fate::NeverArrives, questions);
        assert_eq!(shop.order().await, UNDONE, "{questions:?}");
        assert_eq!(shop.ledger.written(), [""; 0]);
        assert_eq!(
            in_brief(&shop.events()),
            ["execute", "in doubt", "undone", "rolled_back"]
        );
        assert!(!shop.ledger.steps().contains(&"release"));
        assert_eq!(shop.retry().await, "201 done again");
        assert_eq!(shop.ledger.written(), ["goat again"]);
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_be_asked_the_key_is_left_to_its_lease() {
    for (fate, written) in [(Fate::NeverArrives, None), (Fate::AnswerLost, Some("goat"))] {
        for question in [Question::NotAsked, Question::Hangs, Question::Panics] {
            let shop = in_doubt(fate, &[question; 9]);
            let asked = Instant::now();
            assert_eq!(shop.order().await, UNKNOWN, "{question:?}");
            assert!(asked.elapsed() < LEASE, "{:?}", asked.elapsed());
            assert_eq!(shop.ledger.written(), Vec::from_iter(written));
            assert!(!shop.ledger.steps().contains(&"release"));
            assert_eq!(shop.events()[..2], ["execute", "in doubt"]);
            assert!(shop.events()[2].starts_with("unrecorded"));
            let retried = shop.retry().await;
            match written {
                Some(_) => assert_eq!(retried, "replay: 201 done"),
                None => {
                    assert!(retried.starts_with("202 idempotency-in-progress"));
                    advance(LEASE).await;
                    assert_eq!(shop.retry().await, "201 done again");
                }
            }
            assert_eq!(shop.ledger.written().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_landed_unseen_is_not_answered_as_one() {
    let shop = in_doubt(Fate::AnswerLost, &[]);
    shop.ledger.records.fail(Operation::LookUp, UNAVAILABLE);
    assert_eq!(shop.order().await, UNKNOWN);
    assert_eq!(
        shop.events(),
        ["execute", "in doubt", "unrecorded: look_up"]
    );
    assert_eq!(shop.retry().await, "replay: 201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
}

#[tokio::test(start_paused = true)]
async fn who_lost_its_lease_in_doubt_gets_what_a_duplicate_gets() {
    let shop = in_doubt(Fate::NeverArrives, &[]);
    let other = shop.another();
    let answer = shop.request(async |current| {
        shop.ledger.order(&current, "goat");
        lapse().await;
        assert_eq!(other.retry().await, "201 done again");
        shop.ledger.commit(Fate::NeverArrives);
        created()
    });
    assert_eq!(answer.await, "replay: 201 done again");
    assert_eq!(
        in_brief(&shop.events()[3..]),
        ["in doubt", "undone", "lost at complete"]
    );
    assert_eq!(shop.ledger.written(), ["goat again"]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_hangs_is_given_up_and_the_key_left_to_its_lease() {
    for fate in [Fate::Hangs, Fate::Panics] {
        let shop = in_doubt(fate, &[]);
        let sent = Instant::now();
        assert_eq!(shop.order().await, UNKNOWN, "{fate:?}");
        assert!(sent.elapsed() <= LEASE + 10 * SECOND);
        assert_eq!(shop.ledger.written(), [""; 0]);
        assert_eq!(shop.ledger.open(), 0, "the ending is dropped");
        assert_eq!(shop.ledger.steps(), ["commit"], "the key is not freed");
        assert_eq!(shop.events()[1..], ["in doubt", "unrecorded: complete"]);
        advance(LEASE).await;
        assert_eq!(shop.retry().await, "201 done again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_has_no_longer_than_what_was_asked_for_where_the_end_is_refused() {
    let policy = Policy::reference().on_lease_end(OnLeaseEnd::Refuse);
    let shop = Shop::on(Ledger::new(), policy);
    shop.ledger.commit(Fate::Hangs);
    let sent = Instant::now();
    assert_eq!(shop.order().await, UNKNOWN);
    assert!(sent.elapsed() <= LEASE + 10 * SECOND);
}
