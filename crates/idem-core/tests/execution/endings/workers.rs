//! A worker that resumes a lease, and ends it in a transaction of its own.

use idem_core::{
    CurrentExecution, Headers, Response, Resumed, TravellingLease, Undone, Verdict,
    store::{Fenced, Operation, Outcome, RolledBack, StoreErrorKind},
};
use idem_store_tests::Fault;
use tokio::time::advance;

use super::{
    client::created,
    ledger::{Fate, Question, RollBack},
    shop::{Shop, lapse},
};
use crate::support::{LEASE, keep};

/// A lease that was claimed in another process, as a message has it.
async fn sent(shop: &Shop) -> TravellingLease {
    let mut sent = None;
    let send = async |lease| {
        sent = Some(lease);
        Ok::<_, ()>(())
    };
    let first = shop.another();
    let accepted = first.request(async |current| {
        current.travel(LEASE, send).await.unwrap();
        created()
    });
    assert_eq!(accepted.await, "201 done");
    sent.unwrap()
}

/// What the message comes to whose work writes and hands over.
async fn resume(shop: &Shop, lease: &TravellingLease, verdict: Verdict) -> Said {
    let continuation = shop.idempotency.resume(lease.clone());
    let current = continuation.current().clone();
    let work = async {
        shop.ledger.order(&current, "goat");
        (verdict, ())
    };
    match continuation.run(work).await {
        Ok(resumed) => Said::Resumed(resumed),
        Err(error) => Said::Failed(error.operation()),
    }
}

#[derive(Debug, PartialEq)]
enum Said {
    Resumed(Resumed<()>),
    /// Let the message be delivered again.
    Failed(Operation),
}

fn rolled_back(can_retry: bool) -> Said {
    let answer = None;
    Said::Resumed(Resumed::Undone(Undone::RolledBack { answer, can_retry }))
}

// S79
#[tokio::test(start_paused = true)]
async fn a_resumed_lease_is_completed_in_the_workers_transaction() {
    let shop = Shop::new();
    let lease = sent(&shop).await;
    let ended = Said::Resumed(Resumed::Ended(()));
    assert_eq!(resume(&shop, &lease, keep("done")).await, ended);
    assert_eq!(shop.ledger.written(), ["goat"]);
    assert_eq!(shop.events(), ["resumed Held", "recorded"]);
    assert_eq!(shop.retry().await, "replay: 201 done");
    assert_eq!(
        resume(&shop, &lease, keep("done")).await,
        Said::Resumed(Resumed::Lost)
    );
    assert_eq!(shop.ledger.written(), ["goat"]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_delivered_twice_at_once_has_one_effect() {
    for first in [Fate::Lands, Fate::AnswerLost] {
        let shop = Shop::new();
        let lease = sent(&shop).await;
        let here = shop.idempotency.resume(lease.clone());
        let current = here.current().clone();
        let ours = here.run(async {
            shop.ledger.order(&current, "ours");
            let other = shop.another();
            let theirs = resume(&other, &lease, keep("theirs")).await;
            assert_eq!(theirs, Said::Resumed(Resumed::Ended(())));
            shop.ledger.commit(first);
            (keep("ours"), ())
        });
        let Resumed::Undone(Undone::Lost(Some(found))) = ours.await.unwrap() else {
            panic!("the other delivery has completed it");
        };
        let idem_core::store::Record::Completed(completed) = found.record() else {
            panic!("it is completed");
        };
        let expected: Outcome = match keep("theirs") {
            Verdict::Keep(outcome) => outcome,
            Verdict::Free => unreachable!("it is kept"),
        };
        assert_eq!(completed.outcome(), &expected);
        assert_eq!(shop.ledger.written(), ["goat"]);
        assert_eq!(shop.retry().await, "replay: 201 theirs");
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_does_not_take_a_commit_in_doubt_for_its_own() {
    let shop = Shop::new();
    let lease = sent(&shop).await;
    shop.ledger.commit(Fate::AnswerLost);
    // It may be another delivery's, and the message is done either way.
    let said = resume(&shop, &lease, keep("done")).await;
    assert!(
        matches!(said, Said::Resumed(Resumed::Undone(Undone::Lost(Some(_))))),
        "{said:?}"
    );
    assert_eq!(shop.retry().await, "replay: 201 done");
    assert_eq!(shop.ledger.written(), ["goat"]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_transaction_failed_is_told_whether_its_message_is_done() {
    let unheard = || RolledBack::for_good().unheard();
    for (fate, said) in [
        (Fate::Refused(RolledBack::for_now), rolled_back(true)),
        (Fate::Refused(RolledBack::for_good), rolled_back(false)),
        (Fate::Refused(unheard), rolled_back(true)),
        (Fate::NeverArrives, rolled_back(true)),
        (Fate::Hangs, Said::Resumed(Resumed::Undone(Undone::Unknown))),
    ] {
        let shop = Shop::new();
        let lease = sent(&shop).await;
        shop.ledger.commit(fate);
        assert_eq!(resume(&shop, &lease, keep("done")).await, said, "{fate:?}");
        assert_eq!(shop.ledger.written(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_not_answered_does_not_let_a_message_be_lost() {
    let unavailable = Fault::Refused(StoreErrorKind::Unavailable);
    // After a transaction that failed.
    let shop = Shop::new();
    let lease = sent(&shop).await;
    shop.ledger.commit(Fate::Refused(RolledBack::for_good));
    shop.ledger.records.fail(Operation::Release, unavailable);
    let said = resume(&shop, &lease, keep("done")).await;
    assert_eq!(said, rolled_back(true), "the lease may still stand");
    shop.ledger.records.heal();
    shop.ledger.commit(Fate::Lands);
    let again = resume(&shop, &lease, keep("done")).await;
    assert_eq!(again, Said::Resumed(Resumed::Ended(())));

    // After work that failed.
    let shop = Shop::new();
    let lease = sent(&shop).await;
    shop.ledger.records.fail(Operation::Release, unavailable);
    let said = resume(&shop, &lease, Verdict::Free).await;
    assert_eq!(said, Said::Failed(Operation::Release));

    // And where the rollback was not heard to end.
    let shop = Shop::new();
    let lease = sent(&shop).await;
    shop.ledger.roll_back(RollBack::Unheard);
    let said = resume(&shop, &lease, Verdict::Free).await;
    assert!(matches!(said, Said::Failed(_)), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lost_its_lease_says_so() {
    let shop = Shop::new();
    let lease = sent(&shop).await;
    let continuation = shop.idempotency.resume(lease);
    let current = continuation.current().clone();
    let work = async {
        shop.ledger.order(&current, "goat");
        lapse().await;
        assert_eq!(shop.another().retry().await, "201 done again");
        (Verdict::Free, "failed")
    };
    let said = continuation.run(work).await.unwrap();
    assert_eq!(said, Resumed::LostMeanwhile("failed"));
}

#[tokio::test(start_paused = true)]
async fn what_is_completed_without_running_commits_what_was_handed_over() {
    for (fate, held) in [
        (Fate::Lands, Some(Fenced::Held)),
        (Fate::Refused(RolledBack::for_now), None),
        (Fate::Refused(RolledBack::for_good), None),
        (Fate::Hangs, None),
    ] {
        let shop = Shop::new();
        let lease = sent(&shop).await;
        let continuation = shop.idempotency.resume(lease);
        shop.ledger.order(continuation.current(), "goat");
        shop.ledger.commit(fate);
        let done = Response::new(201, Headers::default(), "done".into());
        // An error lets the message be delivered again.
        let said = continuation.complete(done).await;
        assert_eq!(said.ok(), held, "{fate:?}");
        assert_eq!(shop.ledger.written().len(), usize::from(held.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_released_without_running_rolls_back_what_was_handed_over() {
    for (fate, held) in [
        (RollBack::Heard, Some(Fenced::Held)),
        (RollBack::Unheard, None),
    ] {
        let shop = Shop::new();
        let lease = sent(&shop).await;
        let continuation = shop.idempotency.resume(lease);
        shop.ledger.order(continuation.current(), "goat");
        shop.ledger.roll_back(fate);
        assert_eq!(continuation.release().await.ok(), held);
        assert_eq!(shop.ledger.written(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_continuation_that_runs_nothing_keeps_no_transaction_open() {
    let shop = Shop::new();
    let lease = sent(&shop).await;
    let continuation = shop.idempotency.resume(lease);
    let current: CurrentExecution = continuation.current().clone();
    shop.ledger.order(&current, "goat");
    advance(2 * LEASE).await;
    let said = continuation.run(async { (keep("done"), ()) }).await;
    assert_eq!(said.unwrap(), Resumed::Lost);
    drop(current);
    assert_eq!((shop.ledger.open(), shop.ledger.written()), (0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_again_for_a_worker_too() {
    let shop = Shop::new();
    let lease = sent(&shop).await;
    shop.ledger.commit(Fate::NeverArrives);
    shop.ledger.questions([Question::AnswerLost]);
    let said = resume(&shop, &lease, keep("done")).await;
    assert_eq!(said, rolled_back(true));
}
