//! A COMMIT of which the client does not hear: cut off before, cut off after, held up past the question, and
//! on a connection that the server closes.

// S67

use std::{future::Future, sync::Arc, time::Duration};

use idem_core::Policy;
use sqlx::postgres::PgPoolOptions;
use test_servers::{Held, Relay, Sender};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    database::Setup,
    market::{Client, order},
    server::{LEVELS, options, sessions, terminate},
    serving::BOTH,
};

/// The most that a client waits here: the lease, and what is asked after it.
const PATIENCE: Duration = Duration::from_secs(10);

async fn behind_a_relay<F: Future<Output = ()>>(test: impl Fn(Client, Arc<Relay>, String) -> F) {
    for framework in BOTH {
        for level in LEVELS {
            let relay = Relay::to(options().get_port()).unwrap();
            let name = format!("relayed {}", relay.port());
            let relayed = options().port(relay.port()).application_name(&name);
            let policy = Policy::reference().lease(Duration::from_secs(4));
            let mut setup = Setup::new(framework).at(level).policy(policy);
            setup.pool = PgPoolOptions::new().connect_lazy_with(relayed);
            // The store's own connections go past the relay.
            setup.store = |builder| {
                let builder = builder.call_timeout(Duration::from_millis(200));
                builder.connect_options(options()).without_sweeping()
            };
            let client = setup.start().await;
            // The first one prepares the statements.
            assert_eq!(client.send(None, &order("first")).await.status, 201);
            test(client, Arc::new(relay), name).await;
        }
    }
}

/// Waits until the held COMMIT was sent.
async fn came(held: Held) -> (Held, Sender) {
    let waiting = tokio::task::spawn_blocking(|| (held.came().unwrap(), held));
    let (sender, held) = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    (held, sender)
}

async fn succeeds_in_the_end(client: &Client, replays: bool) {
    let until = Instant::now() + PATIENCE;
    let seen = loop {
        let seen = client.send(Some("k"), &order("goat")).await;
        if seen.status == 201 || Instant::now() > until {
            break seen;
        }
        assert!(matches!(seen.status, 202 | 503), "{seen:?}");
        sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((seen.status, seen.replayed), (201, replays), "{seen:?}");
    assert_eq!(client.orders("goat").await, 1);
}

#[tokio::test]
async fn a_commit_that_was_cut_off_before_the_server_had_it_is_undone() {
    behind_a_relay(async |client, relay, _| {
        relay.cut_before_commit();
        let seen = client.send(Some("k"), &order("goat")).await;
        assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
        assert_eq!(
            (client.orders("goat").await, client.pending().await),
            (0, 0)
        );
        succeeds_in_the_end(&client, false).await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_whose_answer_was_cut_off_has_landed() {
    behind_a_relay(async |client, relay, _| {
        relay.cut_after_commit();
        let seen = client.send(Some("k"), &order("goat")).await;
        assert_eq!((seen.status, seen.replayed), (201, false), "{seen:?}");
        succeeds_in_the_end(&client, true).await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_arrives_after_the_question_has_one_effect() {
    behind_a_relay(async |client, relay, _| {
        let held = relay.hold_commit();
        let goat = order("goat");
        let sent = timeout(PATIENCE, client.send(Some("k"), &goat));
        let cutting = async {
            let (held, sender) = came(held).await;
            sender.cut_off();
            held
        };
        let (seen, held) = tokio::join!(sent, cutting);
        let seen = seen.unwrap();
        assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
        assert_eq!(
            client.pending().await,
            1,
            "nobody frees what may still land"
        );
        let again = client.send(Some("k"), &goat).await;
        assert!(matches!(again.status, 202 | 503), "{again:?}");
        assert_eq!(client.orders("goat").await, 0);
        drop(held);
        succeeds_in_the_end(&client, true).await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_arrives_while_it_is_asked_for_is_waited_for() {
    behind_a_relay(async |client, relay, _| {
        let held = relay.hold_commit();
        let goat = order("goat");
        let sent = timeout(PATIENCE, client.send(Some("k"), &goat));
        let landing = async {
            let (held, sender) = came(held).await;
            // The lease has run out by now: the question waits all the same.
            client.let_lapse().await;
            sender.cut_off();
            // Somebody waits for the row: that is the question.
            let schema = &client.schema;
            let waiting =
                format!("wait_event_type = 'Lock' AND query LIKE 'DELETE FROM \"{schema}\"%'");
            let waits = async {
                while sessions(&waiting).await == 0 {
                    sleep(Duration::from_millis(2)).await;
                }
            };
            timeout(PATIENCE, waits).await.unwrap();
            drop(held);
        };
        let (seen, ()) = tokio::join!(sent, landing);
        let seen = seen.unwrap();
        assert_eq!((seen.status, seen.replayed), (201, false), "{seen:?}");
        succeeds_in_the_end(&client, true).await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_does_not_arrive_in_time_never_lands() {
    behind_a_relay(async |client, relay, _| {
        let held = relay.hold_commit();
        // The server ends a transaction that stands idle between the record and COMMIT.
        let seen = timeout(PATIENCE, client.send(Some("k"), &order("goat"))).await;
        let seen = seen.unwrap();
        assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
        drop(held);
        succeeds_in_the_end(&client, false).await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_the_server_closes_before_commit_is_undone() {
    behind_a_relay(async |client, relay, name| {
        let held = relay.hold_commit();
        let goat = order("goat");
        let sent = timeout(PATIENCE, client.send(Some("k"), &goat));
        let closing = async {
            let (held, _) = came(held).await;
            terminate(&format!("application_name = '{name}'")).await;
            held
        };
        let (seen, held) = tokio::join!(sent, closing);
        drop(held);
        let seen = seen.unwrap();
        assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
        assert_eq!(
            (client.orders("goat").await, client.pending().await),
            (0, 0)
        );
        succeeds_in_the_end(&client, false).await;
    })
    .await;
}
