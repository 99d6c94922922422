//! Transactions that meet others, or the end of their lease or connection, in ways that SQLite does not know.

use idem_core::Policy;

use crate::{
    database::{Setup, everywhere},
    market::{Client, Meets, Order, Within, order, running, within},
    server::{LEVELS, run},
    serving::BOTH,
};

/// Sends two orders whose transactions are open at the same time. One of them is undone, can be tried again,
/// and is then answered.
async fn one_of_two_is_undone(client: &Client, orders: [Order; 2]) {
    let [one, other] = orders.map(|order| Order {
        meets: Some(Meets::WithinTheTransaction),
        ..order
    });
    let (first, second) = tokio::join!(
        client.send(Some("one"), &one),
        client.send(Some("other"), &other)
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 503], "{first:?} {second:?}");
    let (key, again, undone) = match first.status {
        503 => ("one", one, first),
        _ => ("other", other, second),
    };
    assert!(undone.retry_after, "{undone:?}");
    assert_eq!(
        client.counts("goat").await,
        (1, 0),
        "undone, and its key free"
    );
    let again = client.send(Some(key), &again).await;
    assert_eq!((again.status, again.replayed), (201, false), "{again:?}");
    assert_eq!(client.counts("goat").await, (2, 0));
}

// S69
#[tokio::test]
async fn of_two_that_cannot_be_serialized_one_is_undone() {
    for framework in BOTH {
        let client = Setup::new(framework).at(LEVELS[2]).start().await;
        // Both have read what the other writes, and none of their statements fails.
        let order = running(
            "goat",
            format!("SELECT count(*) FROM {}", client.named("orders")),
        );
        one_of_two_is_undone(&client, [order.clone(), order]).await;
    }
}

// S69
#[tokio::test]
async fn of_two_that_deadlock_one_is_undone() {
    everywhere(Policy::reference, async |client| {
        let (orders, counters) = (client.named("orders"), client.named("counters"));
        let count = client.named("count");
        // Each has one row, and needs the other's at its COMMIT.
        run(&format!(
            "CREATE TABLE {counters} (id bigint PRIMARY KEY, n bigint NOT NULL);
             INSERT INTO {counters} VALUES (1, 0), (2, 0);
             CREATE FUNCTION {count}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 UPDATE {counters} SET n = n + 1 WHERE id = 3 - current_setting('idem_test.has')::int;
                 RETURN NULL;
             END $$;
             CREATE CONSTRAINT TRIGGER counting AFTER INSERT ON {orders}
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {count}()"
        ))
        .await;
        let orders = [1, 2].map(|id| {
            let take = format!("UPDATE {counters} SET n = n + 1 WHERE id = {id}");
            running("goat", format!("SET LOCAL idem_test.has = '{id}'; {take}"))
        });
        one_of_two_is_undone(&client, orders).await;
        assert_eq!(client.count("counters WHERE n = 2").await, 2);
    })
    .await;
}

// S65
#[tokio::test]
async fn a_lease_that_ran_out_untaken_commits() {
    everywhere(Policy::reference, async |client| {
        let order = Order {
            meets: Some(Meets::WithinTheTransaction),
            ..order("goat")
        };
        let sent = client.meeting(&order).await;
        client.let_lapse().await;
        client.meet().await;
        assert_eq!(sent.await.unwrap().status, 201);
        let again = client.send(Some("k"), &order).await;
        assert!(again.replayed, "{again:?}");
        assert_eq!(client.orders("goat").await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_a_handler_sets_does_not_matter() {
    everywhere(Policy::reference, async |client| {
        for odd in [
            "SET LOCAL search_path = pg_catalog",
            "SET LOCAL synchronous_commit = off",
        ] {
            let order = running(odd, odd);
            let seen = client.send(Some(odd), &order).await;
            assert_eq!(seen.status, 201, "{odd}: {seen:?}");
            assert!(client.send(Some(odd), &order).await.replayed);
            assert_eq!(client.orders(odd).await, 1, "{odd}");
        }
    })
    .await;
}

// S67
#[tokio::test]
async fn a_connection_that_is_closed_before_the_end_can_be_tried_again() {
    everywhere(Policy::reference, async |client| {
        let terminated = within("goat", Within::OfItsOwn("terminated".into()));
        let seen = client.send(Some("k"), &terminated).await;
        assert_eq!((seen.status, seen.retry_after), (503, true), "{seen:?}");
        assert_eq!(client.counts("goat").await, (0, 0));
        assert_eq!(client.send(Some("k"), &order("goat")).await.status, 201);
    })
    .await;
}
