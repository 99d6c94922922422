//! One writer at a time, as a client sees it, and what SQLite ends by itself.

use std::time::Duration;

use idem_core::{IdempotencyStore, Policy};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    database::{Setup, everywhere},
    market::{Answer, Meets, Order, Within, order, running, within},
    serving::{BOTH, Framework},
};

fn working(milliseconds: u64) -> Order {
    Order {
        work: milliseconds,
        ..order("goat")
    }
}

// S65
#[tokio::test]
async fn a_lease_that_ran_out_untaken_commits() {
    let policy = || Policy::reference().lease(Duration::from_millis(400));
    everywhere(policy, async |client| {
        let slow = working(1_000);
        let seen = client.send(Some("k"), &slow).await;
        assert_eq!(seen.status, 201, "{seen:?}");
        assert!(client.send(Some("k"), &slow).await.replayed);
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

// S69
#[tokio::test]
async fn two_that_would_deadlock_elsewhere_run_one_after_the_other() {
    everywhere(Policy::reference, async |client| {
        let update = |id| format!("UPDATE counters SET n = n + 1 WHERE id = {id};");
        let create = "CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);
            INSERT INTO counters VALUES (1, 0), (2, 0)";
        client.file.run(create).await;
        let [one, other] = [[1, 2], [2, 1]].map(|[first, then]| Order {
            work: 100,
            ..running("goat", update(first) + &update(then))
        });
        let (first, second) = tokio::join!(
            client.send(Some("one"), &one),
            client.send(Some("other"), &other)
        );
        assert_eq!(
            (first.status, second.status),
            (201, 201),
            "{first:?} {second:?}"
        );
        assert_eq!(client.count("counters WHERE n = 2").await, 2);
    })
    .await;
}

// S70
#[tokio::test]
async fn a_transaction_that_sqlite_rolled_back_leaves_a_connection_for_the_next() {
    everywhere(Policy::reference, async |client| {
        // More often than the pool has connections, which sqlx cannot use again.
        let failing = running("goat", "INSERT OR ROLLBACK INTO once VALUES (1)");
        for _ in 0..5 {
            let swallowing = within("goat", Within::Swallow);
            assert_eq!(client.send(Some("k"), &swallowing).await.status, 500);
            assert_eq!(client.send(None, &swallowing).await.status, 418);
            assert_eq!(client.send(Some("k"), &failing).await.status, 418);
            assert_eq!(client.counts("goat").await, (0, 0));
        }
        assert_eq!(client.send(Some("k"), &order("goat")).await.status, 201);
    })
    .await;
}

// S77
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_transaction_is_open_duplicates_are_answered_and_fresh_claims_wait() {
    everywhere(Policy::reference, async |client| {
        let slow = Order {
            meets: Some(Meets::WithinTheTransaction),
            ..order("goat")
        };
        let sent = client.meeting(&slow).await;
        let begun = Instant::now();
        assert_eq!(client.send(Some("k"), &slow).await.status, 202);
        let elapsed = begun.elapsed();
        assert!(elapsed < Duration::from_millis(100), "{elapsed:?}");
        let fresh = client.send(Some("fresh"), &order("goat")).await;
        assert_eq!(fresh.status, 503, "{fresh:?}");
        client.meet().await;
        assert_eq!(sent.await.unwrap().status, 201);
        let counts = client.counts("goat").await;
        assert_eq!(counts, (1, 0), "nothing lands later");
        assert_eq!(client.send(Some("fresh"), &order("goat")).await.status, 201);
    })
    .await;
}

// S77
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_clients_wait_their_turn_without_an_error() {
    for framework in BOTH {
        let client = Setup::new(framework).with_patience().start().await;
        let mut sent = JoinSet::new();
        for number in 0..16 {
            let client = client.clone();
            sent.spawn(async move {
                let mut times = Vec::new();
                for round in 0..10 {
                    let begun = Instant::now();
                    let key = format!("{number}-{round}");
                    let seen = client.send(Some(&key), &working(3)).await;
                    assert_eq!(seen.status, 201, "{seen:?}");
                    times.push(begun.elapsed());
                }
                times
            });
        }
        let times: Vec<_> = sent.join_all().await.into_iter().flatten().collect();
        assert_eq!(client.counts("goat").await, (160, 0));
        // In turn: in SQLite's own lottery, some wait for as long as all others together.
        let mean = times.iter().sum::<Duration>() / 160;
        let slowest = times.into_iter().max().unwrap();
        assert!(slowest < 8 * mean, "{slowest:?}, and {mean:?} on average");
    }
}

// S77
#[tokio::test]
async fn a_full_disk_is_an_error_and_leaves_nothing_open() {
    everywhere(Policy::reference, async |client| {
        let large = "PRAGMA max_page_count = 1;
            INSERT INTO orders (item) VALUES (hex(randomblob(1000000)))";
        for _ in 0..5 {
            let seen = client.send(Some("k"), &running("goat", large)).await;
            assert_eq!(seen.status, 418, "{seen:?}");
            assert!(seen.body.contains("full"), "{seen:?}");
            assert_eq!(client.counts("goat").await, (0, 0));
        }
        // There is room for the order, and none for its record.
        let record = Order {
            answer: Answer::LargeAndKept,
            ..running("goat", "PRAGMA max_page_count = 1")
        };
        for _ in 0..5 {
            let seen = client.send(Some("k"), &record).await;
            assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
            assert_eq!(client.counts("goat").await, (0, 0));
        }
        let room = running("goat", "PRAGMA max_page_count = 1000000");
        assert_eq!(client.send(Some("k"), &room).await.status, 201);
    })
    .await;
}

#[tokio::test]
async fn stores_on_one_file_are_one() {
    let client = Setup::new(Framework::Axum).start().await;
    let same = client.file.store().await;
    assert_eq!(same.identity(), client.store.identity());
    assert_ne!(client.other.identity(), client.store.identity());
}

#[test]
fn one_that_is_dropped_outside_its_runtime_rolls_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (client, begun) = runtime.block_on(async {
        let client = Setup::new(Framework::Axum).start().await;
        let mut tx = client.store.begin(None).await.unwrap();
        let insert = sqlx::raw_sql("INSERT INTO orders (item) VALUES ('goat')");
        insert.execute(&mut *tx).await.unwrap();
        (client, tx)
    });
    drop(begun);
    // The turn is given back too.
    let seen = runtime.block_on(client.send(None, &order("goat")));
    assert_eq!(seen.status, 201, "{seen:?}");
    assert_eq!(runtime.block_on(client.orders("goat")), 1);
}
