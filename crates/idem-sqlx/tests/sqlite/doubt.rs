//! A COMMIT that takes longer than its client waits. There is no connection that could break: the file is in
//! this process, and its thread goes on.

// S67

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use idem_core::{
    Policy, RecordKey,
    event::{Event, Observer},
};
use sqlx::SqliteConnection;
use tokio::time::timeout;

use crate::{
    database::Setup,
    market::{Client, Order, Within, order, within},
    serving::BOTH,
};

/// What the handler's COMMIT has, and its question a third of it.
const LEASE: Duration = Duration::from_secs(3);

/// Lets the next COMMIT on this connection wait, within the lock, until it may go on, and then succeed or fail.
pub(crate) async fn hold_commit(
    connection: &mut SqliteConnection,
    go: &Arc<AtomicBool>,
    lands: bool,
) -> Result<(), sqlx::Error> {
    let mut next = Some(Arc::clone(go));
    let mut connection = connection.lock_handle().await?;
    connection.set_commit_hook(move || match next.take() {
        Some(go) => {
            while !go.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(5));
            }
            // By now somebody waits for the lock.
            thread::sleep(Duration::from_millis(100));
            lands
        }
        None => true,
    });
    Ok(())
}

/// Lets the COMMIT go on when the question is about to be asked.
#[derive(Debug)]
struct GoOnInDoubt(Arc<AtomicBool>);

impl Observer for GoOnInDoubt {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        if let Event::InDoubt(_) = event {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

async fn on_both<F: Future<Output = ()>>(
    policy: impl Fn(Policy, Arc<AtomicBool>) -> Policy,
    test: impl Fn(Client, Arc<AtomicBool>) -> F,
) {
    for framework in BOTH {
        let go = Arc::new(AtomicBool::new(false));
        let policy = policy(Policy::reference().lease(LEASE), Arc::clone(&go));
        let setup = Setup::new(framework).policy(policy).with_commits(&go);
        let whole = test(setup.start().await, go);
        timeout(10 * LEASE, whole).await.unwrap();
    }
}

fn late(commit: &str) -> Order {
    within("goat", Within::OfItsOwn(commit.into()))
}

#[tokio::test]
async fn a_commit_that_lands_while_it_is_asked_for_is_waited_for() {
    let observed = |policy: Policy, go| policy.observer(GoOnInDoubt(go));
    on_both(observed, async |client, _| {
        let seen = client.send(Some("k"), &late("commits late")).await;
        assert_eq!((seen.status, seen.replayed), (201, false), "{seen:?}");
        assert!(client.send(Some("k"), &late("commits late")).await.replayed);
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_fails_while_it_is_asked_for_is_undone() {
    let observed = |policy: Policy, go| policy.observer(GoOnInDoubt(go));
    on_both(observed, async |client, _| {
        let seen = client.send(Some("k"), &late("fails late")).await;
        assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
        assert_eq!(client.counts("goat").await, (0, 0));
        let again = client.send(Some("k"), &order("goat")).await;
        assert_eq!((again.status, again.replayed), (201, false), "{again:?}");
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_lands_after_the_question_has_one_effect() {
    on_both(
        |policy, _| policy,
        async |client, go| {
            let goat = late("commits late");
            let seen = client.send(Some("k"), &goat).await;
            assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
            assert_eq!(client.orders("goat").await, 0);
            go.store(true, Ordering::SeqCst);
            let seen = client.until_created("k", &goat).await;
            assert!(seen.replayed, "{seen:?}");
            assert_eq!(client.orders("goat").await, 1);
        },
    )
    .await;
}
