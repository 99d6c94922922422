//! Effect and record are one commit, as a client sees it: on axum and on actix, at three isolation levels.

use std::{future::Future, time::Duration};

use idem_core::Policy;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::market::{
    Answer, BOTH, Client, Framework, LEVELS, Order, Setup, Within, order, pool_of,
};

const RC: &str = LEVELS[0];

async fn everywhere<F: Future<Output = ()>>(
    policy: impl Fn() -> Policy,
    test: impl Fn(Client) -> F,
) {
    for framework in BOTH {
        for level in LEVELS {
            test(Setup::new(framework, level).policy(policy()).start().await).await;
        }
    }
}

async fn on_both<F: Future<Output = ()>>(policy: impl Fn() -> Policy, test: impl Fn(Client) -> F) {
    for framework in BOTH {
        test(Setup::new(framework, RC).policy(policy()).start().await).await;
    }
}

fn within(item: &str, within: Within) -> Order {
    Order {
        within,
        ..order(item)
    }
}

fn answering(item: &str, answer: Answer) -> Order {
    Order {
        answer,
        ..order(item)
    }
}

/// Sends it until it is answered by a response that is kept.
async fn until_created(client: &Client, key: &str, order: &Order) -> crate::market::Seen {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let seen = client.send(Some(key), order).await;
        if seen.status == 201 {
            return seen;
        }
        assert!(Instant::now() < until, "{seen:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

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
    everywhere(Policy::reference, async |client| {
        let slow = Order {
            work: 300,
            ..order("goat")
        };
        let sent = tokio::spawn({
            let (client, slow) = (client.clone(), slow.clone());
            async move { client.send(Some("k"), &slow).await }
        });
        while client.pending().await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(50)).await;
        client.take_over_all().await;
        let seen = sent.await.unwrap();
        // A duplicate gets this now, since another owner's lease stands there.
        assert_eq!(seen.status, 202, "{seen:?}");
        assert!(seen.retry_after, "{seen:?}");
        assert_eq!(client.orders("goat").await, 0);
        assert_eq!(
            client.pending().await,
            1,
            "the other owner's lease is untouched"
        );
    })
    .await;
}

// S65
#[tokio::test]
async fn a_lease_that_ran_out_untaken_commits() {
    everywhere(Policy::reference, async |client| {
        let slow = Order {
            work: 300,
            ..order("goat")
        };
        let sent = tokio::spawn({
            let (client, slow) = (client.clone(), slow.clone());
            async move { client.send(Some("k"), &slow).await }
        });
        while client.pending().await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(50)).await;
        client.let_lapse().await;
        assert_eq!(sent.await.unwrap().status, 201);
        let again = client.send(Some("k"), &slow).await;
        assert!(again.replayed, "{again:?}");
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

// S66
#[tokio::test]
async fn a_failure_after_the_hand_over_undoes_the_effect_and_frees_the_key() {
    everywhere(Policy::reference, async |client| {
        for status in [400, 409, 422, 500, 503] {
            let failing = answering("goat", Answer::Status(status));
            let seen = client.send(Some("k"), &failing).await;
            assert_eq!(seen.status, status, "{seen:?}");
            assert_eq!(client.orders("goat").await, 0, "{status}");
            assert_eq!(client.pending().await, 0, "{status}");
        }
        if client.framework == Framework::Axum {
            let seen = client
                .send(Some("k"), &answering("goat", Answer::Panic))
                .await;
            assert_eq!(seen.status, 500, "{seen:?}");
            assert_eq!(
                (client.orders("goat").await, client.pending().await),
                (0, 0)
            );
        } else {
            // actix drops the connection.
            let order = answering("goat", Answer::Panic);
            client.try_send(Some("k"), &order).await.unwrap_err();
            while client.pending().await > 0 {
                sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(client.orders("goat").await, 0);
        }
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
            assert_eq!(
                (client.orders("goat").await, client.pending().await),
                (0, 0)
            );
        }
        assert_eq!(client.send(Some("k"), &order("goat")).await.status, 201);
    })
    .await;
}

// S69
#[tokio::test]
async fn a_serialization_failure_at_the_end_can_be_tried_again() {
    for framework in BOTH {
        let client = Setup::new(framework, LEVELS[2]).start().await;
        // Both read what the other writes: one of them fails, at its last statement or at COMMIT.
        let mut seen = Vec::new();
        for round in 0..20 {
            let mut both = JoinSet::new();
            for number in 0..2 {
                let client = client.clone();
                both.spawn(async move {
                    let order = Order {
                        work: 50,
                        ..within("goat", Within::Count)
                    };
                    let key = format!("{round}-{number}");
                    let first = client.send(Some(&key), &order).await;
                    let second = until_created(&client, &key, &order).await;
                    (first, second.replayed)
                });
            }
            seen.extend(both.join_all().await);
            if seen.iter().any(|(first, _)| first.status != 201) {
                break;
            }
        }
        assert!(
            seen.iter().any(|(first, _)| first.status != 201),
            "they never met"
        );
        let orders = i64::try_from(seen.len()).unwrap();
        assert_eq!(client.orders("goat").await, orders);
    }
}

// S69b, S76
#[tokio::test]
async fn work_beyond_several_renewals_commits_at_every_level() {
    let policy = || Policy::reference().lease(Duration::from_millis(900));
    everywhere(policy, async |client| {
        let long = Order {
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
        assert_eq!(
            (client.orders("goat").await, client.pending().await),
            (0, 0)
        );
        // Without a key PostgreSQL would answer COMMIT by a rollback, and nobody would know.
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
        let dropped = client.send(None, &within("cow", Within::Drop)).await;
        assert_eq!((dropped.status, client.orders("cow").await), (201, 0));
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
        for (within, says) in [
            (Within::SecondTransaction, "has a transaction already"),
            (
                Within::OtherStore,
                "not the one that has the execution's record",
            ),
            (Within::Travel, "cannot travel"),
        ] {
            let order = Order {
                within,
                ..order("goat")
            };
            let seen = client.send(Some("k"), &order).await;
            assert_eq!(seen.status, 418, "{within:?}: {seen:?}");
            assert!(seen.body.contains(says), "{within:?}: {seen:?}");
            assert_eq!(
                (client.orders("goat").await, client.pending().await),
                (0, 0)
            );
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
        let seen = until_created(&client, "k", &late).await;
        assert!(seen.replayed, "{seen:?}");
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

// S75
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_requests_pass_through_pools_of_one() {
    for framework in BOTH {
        let mut setup = Setup::new(framework, RC);
        setup.pool = pool_of(1);
        setup.store = |builder| builder.connections(1);
        let client = setup.start().await;
        let mut sent = JoinSet::new();
        for number in 0..50 {
            let client = client.clone();
            sent.spawn(async move {
                let key = format!("k{number}");
                until_created(&client, &key, &order("goat")).await;
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
        for by_itself in [Within::Commit, Within::CommitAndBegin] {
            let (key, order) = (format!("{by_itself:?}"), within("goat", by_itself));
            let before = client.orders("goat").await;
            assert_eq!(client.send(Some(&key), &order).await.status, 201);
            assert!(client.send(Some(&key), &order).await.replayed);
            assert_eq!(client.orders("goat").await, before + 1);
        }
    })
    .await;
}

// S78
#[tokio::test]
async fn a_handler_that_rolls_back_by_itself_and_hands_over_has_failed() {
    everywhere(Policy::reference, async |client| {
        let seen = client
            .send(Some("k"), &within("goat", Within::Rollback))
            .await;
        assert_eq!(seen.status, 500, "{seen:?}");
        assert_eq!(
            (client.orders("goat").await, client.pending().await),
            (0, 0)
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_handler_sets_and_leaves_open_does_not_matter() {
    everywhere(Policy::reference, async |client| {
        for odd in [
            Within::OpenSavepoint,
            Within::ForgottenTransaction,
            Within::OtherSearchPath,
            Within::NotDurable,
        ] {
            let item = format!("{odd:?}");
            let order = within(&item, odd);
            let seen = client.send(Some(&item), &order).await;
            assert_eq!(seen.status, 201, "{odd:?}: {seen:?}");
            assert!(client.send(Some(&item), &order).await.replayed);
            assert_eq!(client.orders(&item).await, 1, "{odd:?}");
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

// S67
#[tokio::test]
async fn a_connection_that_is_closed_before_the_end_can_be_tried_again() {
    everywhere(Policy::reference, async |client| {
        let seen = client
            .send(Some("k"), &within("goat", Within::Terminated))
            .await;
        assert_eq!(seen.status, 503, "{seen:?}");
        assert!(seen.retry_after, "{seen:?}");
        assert_eq!(
            (client.orders("goat").await, client.pending().await),
            (0, 0)
        );
        assert_eq!(client.send(Some("k"), &order("goat")).await.status, 201);
    })
    .await;
}
