//! Effect and record are one commit, as a client sees it: on axum and on actix, and at each isolation level
//! that the database has.

use std::time::Duration;

use idem_core::{Headers, Idempotency, Policy, Response, store::Fenced};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    database::{HAS_ONE_WRITER, Setup, everywhere, on_both},
    market::{Answer, Meets, Order, Within, answering, order, running, within},
    serving::{BOTH, Framework},
};

// S63
#[tokio::test]
async fn effect_and_record_appear_together() {
    everywhere(Policy::reference, async |client| {
        let first = client.send(Some("k"), &order("goat")).await;
        assert_eq!((first.status, first.replayed), (201, false), "{first:?}");
        let again = client.send(Some("k"), &order("goat")).await;
        assert_eq!((again.status, again.replayed), (201, true), "{again:?}");
        assert_eq!(first.body, again.body);
        assert_eq!(client.orders("goat").await, 1);
        let other = client.send(Some("k"), &order("cow")).await;
        assert_eq!((other.status, client.orders("cow").await), (400, 0));
    })
    .await;
}

// S64
#[tokio::test]
async fn a_lease_that_was_lost_undoes_the_effect() {
    // Nobody can take over while the one writer has its transaction.
    let places: &[Meets] = match HAS_ONE_WRITER {
        true => &[Meets::BeforeItBegins],
        false => &[Meets::BeforeItBegins, Meets::WithinTheTransaction],
    };
    for place in places {
        everywhere(Policy::reference, async |client| {
            let order = Order {
                meets: Some(*place),
                ..order("goat")
            };
            let sent = client.meeting(&order).await;
            client.take_over_all().await;
            client.meet().await;
            let seen = sent.await.unwrap();
            // A duplicate gets this now, since another owner's lease stands there.
            assert_eq!(seen.status, 202, "{seen:?}");
            assert!(seen.retry_after, "{seen:?}");
            let counts = client.counts("goat").await;
            assert_eq!(counts, (0, 1), "the other owner's lease is untouched");
        })
        .await;
    }
}

// S66
#[tokio::test]
async fn a_failure_after_the_hand_over_undoes_the_effect_and_frees_the_key() {
    everywhere(Policy::reference, async |client| {
        for status in [400, 409, 422, 500, 503] {
            let failing = answering("goat", Answer::Status(status));
            let seen = client.send(Some("k"), &failing).await;
            assert_eq!(seen.status, status, "{seen:?}");
            assert_eq!(client.counts("goat").await, (0, 0), "{status}");
        }
        // A handler that ended it by itself leaves a connection that can be used.
        let over = Order {
            answer: Answer::Status(400),
            ..running("goat", "ROLLBACK")
        };
        assert_eq!(client.send(Some("k"), &over).await.status, 400);
        assert_eq!(client.counts("goat").await, (0, 0));

        let panicking = answering("goat", Answer::Panic);
        if client.framework == Framework::Axum {
            let seen = client.send(Some("k"), &panicking).await;
            assert_eq!(seen.status, 500, "{seen:?}");
        } else {
            // actix drops the connection.
            client.try_send(Some("k"), &panicking).await.unwrap_err();
            while client.pending().await > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        }
        assert_eq!(client.counts("goat").await, (0, 0));
        assert_eq!(client.send(Some("k"), &order("goat")).await.status, 201);
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

// S66
#[tokio::test]
async fn a_profile_that_keeps_failures_commits_them() {
    everywhere(Policy::stripe, async |client| {
        for status in [402, 500] {
            let key = status.to_string();
            let failing = answering(&key, Answer::Status(status));
            assert_eq!(client.send(Some(&key), &failing).await.status, status);
            let again = client.send(Some(&key), &failing).await;
            assert_eq!((again.status, again.replayed), (status, true));
            assert_eq!(client.orders(&key).await, 1);
        }
    })
    .await;
}

// S68
#[tokio::test]
async fn a_deferred_constraint_is_a_failure_for_good() {
    everywhere(Policy::reference, async |client| {
        let breaking = within("goat", Within::BreakDeferred);
        for _ in 0..2 {
            let seen = client.send(Some("k"), &breaking).await;
            assert_eq!((seen.status, seen.replayed), (500, false), "{seen:?}");
            assert!(!seen.body.contains("parents"), "{seen:?}");
            assert_eq!(client.counts("goat").await, (0, 0));
        }
        assert_eq!(client.send(Some("k"), &order("goat")).await.status, 201);
    })
    .await;
}

// S69b, S76
#[tokio::test]
async fn work_beyond_several_renewals_commits() {
    let policy = || Policy::reference().lease(Duration::from_millis(900));
    everywhere(policy, async |client| {
        let long = Order {
            before: 1_000,
            work: 1_500,
            answer: Answer::Late(700),
            ..order("goat")
        };
        let seen = client.send(Some("k"), &long).await;
        assert_eq!(seen.status, 201, "{seen:?}");
        assert!(client.send(Some("k"), &long).await.replayed);
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

// S70
#[tokio::test]
async fn a_statement_that_failed_and_was_swallowed_is_a_failure_for_good() {
    everywhere(Policy::reference, async |client| {
        let swallowing = within("goat", Within::Swallow);
        let seen = client.send(Some("k"), &swallowing).await;
        assert_eq!(seen.status, 500, "{seen:?}");
        assert_eq!(client.counts("goat").await, (0, 0));
        // Without a key the database would answer COMMIT by a rollback, and nobody would know.
        let seen = client.send(None, &swallowing).await;
        assert_eq!(seen.status, 418, "{seen:?}");
        assert_eq!(client.send(Some("k"), &order("goat")).await.status, 201);
    })
    .await;
}

// S71
#[tokio::test]
async fn what_is_not_kept_commits_with_its_tombstone() {
    on_both(Policy::reference, async |client| {
        for answer in [Answer::Large, Answer::Stream] {
            let (key, order) = (format!("{answer:?}"), answering("goat", answer));
            let seen = client.send(Some(&key), &order).await;
            assert_eq!(seen.status, 201, "{answer:?}");
            let again = client.send(Some(&key), &order).await;
            assert_eq!(again.status, 409, "{again:?}");
        }
        assert_eq!(client.orders("goat").await, 2);
    })
    .await;
}

// S72
#[tokio::test]
async fn without_a_key_it_commits_at_once() {
    everywhere(Policy::reference, async |client| {
        let seen = client
            .send(None, &answering("goat", Answer::Status(500)))
            .await;
        assert_eq!((seen.status, client.orders("goat").await), (500, 1));
        for undone in [Within::Drop, Within::RollBack] {
            let undone = client.send(None, &within("cow", undone)).await;
            assert_eq!((undone.status, client.orders("cow").await), (201, 0));
        }
        let deferred = client
            .send(None, &within("cow", Within::BreakDeferred))
            .await;
        assert_eq!((deferred.status, client.orders("cow").await), (418, 0));
    })
    .await;
}

// S73
#[tokio::test]
async fn what_cannot_end_the_execution_is_refused_before_it_does_anything() {
    on_both(Policy::reference, async |client| {
        for (refused, says) in [
            (Within::SecondTransaction, "has a transaction already"),
            (
                Within::OtherStore,
                "not the one that has the execution's record",
            ),
            (Within::Travel, "cannot travel"),
        ] {
            let order = within("goat", refused);
            // At once: where there is one writer, a second transaction would wait for the first.
            let sent = timeout(Duration::from_secs(2), client.send(Some("k"), &order));
            let seen = sent.await.unwrap();
            assert_eq!(seen.status, 418, "{order:?}: {seen:?}");
            assert!(seen.body.contains(says), "{order:?}: {seen:?}");
            assert_eq!(client.counts("goat").await, (0, 0));
        }
    })
    .await;
}

// S74
#[tokio::test]
async fn a_client_that_hangs_up_after_the_hand_over_leaves_a_record() {
    on_both(Policy::reference, async |client| {
        let late = answering("goat", Answer::Late(300));
        let gone = timeout(Duration::from_millis(150), client.send(Some("k"), &late)).await;
        assert!(gone.is_err(), "{gone:?}");
        let seen = client.until_created("k", &late).await;
        assert!(seen.replayed, "{seen:?}");
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

// S75
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_requests_pass_through_pools_of_one() {
    for framework in BOTH {
        let setup = Setup::new(framework).with_pools_of_one();
        let client = setup.start().await;
        let mut sent = JoinSet::new();
        for number in 0..50 {
            let client = client.clone();
            sent.spawn(async move {
                let key = format!("k{number}");
                client.until_created(&key, &order("goat")).await;
            });
        }
        timeout(Duration::from_secs(20), sent.join_all())
            .await
            .unwrap();
        assert_eq!(client.orders("goat").await, 50);
    }
}

// S78
#[tokio::test]
async fn a_handler_that_commits_by_itself_still_has_its_record() {
    everywhere(Policy::reference, async |client| {
        for by_itself in ["COMMIT", "COMMIT; BEGIN"] {
            let order = running("goat", by_itself);
            let before = client.orders("goat").await;
            assert_eq!(client.send(Some(by_itself), &order).await.status, 201);
            assert!(client.send(Some(by_itself), &order).await.replayed);
            assert_eq!(client.orders("goat").await, before + 1);
        }
    })
    .await;
}

// S78
#[tokio::test]
async fn a_handler_that_rolls_back_by_itself_and_hands_over_has_failed() {
    everywhere(Policy::reference, async |client| {
        for by_itself in ["ROLLBACK", "ROLLBACK; BEGIN"] {
            let seen = client.send(Some("k"), &running("goat", by_itself)).await;
            assert_eq!(seen.status, 500, "{by_itself}: {seen:?}");
            assert_eq!(client.counts("goat").await, (0, 0), "{by_itself}");
        }
    })
    .await;
}

// S79
#[tokio::test]
async fn a_worker_completes_a_lease_that_a_handler_sent_in_its_own_transaction() {
    on_both(Policy::reference, async |client| {
        let sending = within("goat", Within::Send);
        let sent = client.send(Some("k"), &sending).await;
        assert_eq!(sent.status, 202, "{sent:?}");
        let lease = client.received();
        let worker = Idempotency::new(client.store.clone(), Policy::reference());
        let mut ended = Vec::new();
        // A queue may deliver it twice, and only one of them has its effect.
        for _ in 0..2 {
            let continuation = worker.resume(lease.clone());
            let current = continuation.current().clone();
            let (status, body) = client.order(Some(&current), &order("goat")).await.unwrap();
            let done = Response::new(status, Headers::default(), body.to_string().into());
            ended.push(continuation.complete(done).await.unwrap());
        }
        assert_eq!(ended, [Fenced::Held, Fenced::Lost]);
        let seen = client.send(Some("k"), &sending).await;
        assert_eq!((seen.status, seen.replayed), (201, true), "{seen:?}");
        assert!(seen.body.contains("goat"), "{seen:?}");
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

// S80
#[tokio::test]
async fn expired_records_go_while_requests_come() {
    for framework in BOTH {
        let policy = Policy::reference().retention(Duration::from_millis(50));
        let setup = Setup::new(framework).policy(policy).with_busy_sweeper();
        let client = setup.start().await;
        let least = async {
            let mut sent = 0;
            while sent < 30 || client.count("records").await > 5 {
                let key = format!("k{sent}");
                let seen = client.send(Some(&key), &order("goat")).await;
                assert_eq!(seen.status, 201, "{seen:?}");
                sent += 1;
                // A fast machine would have more than five that have not expired.
                sleep(Duration::from_millis(20)).await;
            }
            sent
        };
        let sent = timeout(Duration::from_secs(60), least).await.unwrap();
        assert_eq!(client.orders("goat").await, sent, "effects stay");
    }
}

#[tokio::test]
async fn what_a_handler_leaves_open_does_not_matter() {
    everywhere(Policy::reference, async |client| {
        for (key, odd) in [
            ("savepoint", Within::Sql("SAVEPOINT open".into())),
            ("transaction", Within::ForgottenTransaction),
        ] {
            let order = within("goat", odd);
            let before = client.orders("goat").await;
            let seen = client.send(Some(key), &order).await;
            assert_eq!(seen.status, 201, "{key}: {seen:?}");
            assert!(client.send(Some(key), &order).await.replayed);
            assert_eq!(client.orders("goat").await, before + 1, "{key}");
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_is_dropped_is_undone_and_its_answer_recorded() {
    everywhere(Policy::reference, async |client| {
        let order = within("goat", Within::Drop);
        assert_eq!(client.send(Some("k"), &order).await.status, 201);
        assert!(client.send(Some("k"), &order).await.replayed);
        assert_eq!(client.orders("goat").await, 0);
    })
    .await;
}
