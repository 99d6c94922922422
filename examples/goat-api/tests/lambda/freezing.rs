//! What becomes of a key when an instance is killed or frozen.

use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::time::sleep;

use crate::market::{Market, Options};

const MARGIN: Duration = Duration::from_secs(1);

/// The records are with the orders, or elsewhere.
const STORES: [bool; 2] = [false, true];

/// Puts milk on offer, and gives an order for it.
async fn order(market: &Market) -> String {
    let goat = market.goat("Heidi").await;
    market.offer(&goat, "Milk", "1.50").await;
    json!({"items": [{"goatId": goat, "catalogItem": "Milk", "quantity": 2}]}).to_string()
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn an_invocation_killed_at_its_timeout_blocks_its_key_until_the_deadline_and_the_margin() {
    for on_momento in STORES {
        // Neither the policy's lease nor a renewal may be what frees the key in time.
        let market = Market::start(Options {
            // Time enough for all but the order that is to be killed.
            timeout: Duration::from_secs(5),
            on_momento,
            flags: vec!["--lease", "1h", "--lease-margin", "1s"],
            of_the_first: vec!["--order-delay", "1h"],
            ..Options::default()
        })
        .await;
        let order = order(&market).await;
        let calls = market.claims();
        let killed = market.post_with_key("/orders", "k", &order).await;
        assert_eq!(killed.status, 504, "{}", killed.body);
        let writes = market.claims() - calls;
        assert_eq!(writes, 1, "the claim, and no renewal");
        let deadline = market.function.passed_deadline().unwrap();

        let placed = loop {
            let answer = market.post_with_key("/orders", "k", &order).await;
            match answer.status {
                202 => sleep(Duration::from_millis(100)).await,
                _ => break answer,
            }
        };
        assert_eq!(placed.status, 201, "{}", placed.body);
        assert!(!placed.headers.contains_key("idempotency-replayed"));
        // An answer before could only have come of a claim before.
        assert!(SystemTime::now() >= deadline + MARGIN);
        let replay = market.post_with_key("/orders", "k", &order).await;
        assert_eq!(replay.body, placed.body);
        assert_eq!(replay.headers["idempotency-replayed"], "true");
        assert_eq!(market.list("/orders").await.len(), 1);
    }
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn nothing_depends_on_what_an_instance_does_after_its_answer() {
    for on_momento in STORES {
        let market = Market::start(Options {
            on_momento,
            ..Options::default()
        })
        .await;
        let order = order(&market).await;
        let placed = market.post_with_key("/orders", "k", &order).await;
        assert_eq!(placed.status, 201, "{}", placed.body);
        let started = market.function.started();
        // It was frozen before its answer was passed on, and stays so.
        market.function.set_aside();
        let replay = market.post_with_key("/orders", "k", &order).await;
        assert_eq!(market.function.started(), started + 1, "another instance");
        assert_eq!((replay.status, &replay.body), (201, &placed.body));
        assert_eq!(replay.headers["idempotency-replayed"], "true");
        // Thawed, the first does as if nothing had been.
        market.function.swap();
        let replay = market.post_with_key("/orders", "k", &order).await;
        assert_eq!(market.function.started(), started + 1, "the first instance");
        assert_eq!((replay.status, &replay.body), (201, &placed.body));
        assert_eq!(market.list("/orders").await.len(), 1);
    }
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_request_holds_its_key_by_the_deadline_if_that_is_to_come_and_by_the_lease_if_not() {
    // The one that emulators send is in the year 1970.
    let told = [(None, 250..=302), (Some(600_000), 77..=77)];
    let each = STORES.map(|on_momento| told.clone().map(|told| (on_momento, told)));
    for (on_momento, (told_deadline, held)) in each.into_iter().flatten() {
        let market = Market::start(Options {
            told_deadline,
            on_momento,
            flags: vec!["--lease", "77s", "--lease-margin", "2s"],
            of_the_first: vec!["--order-delay", "1h"],
            ..Options::default()
        })
        .await;
        // DynamoDB has no clock of its own: a lease is over for others two seconds after its end.
        let last = held.end() + if on_momento { 0 } else { 4 };
        let order = order(&market).await;
        // It runs until the test is over.
        let calls = market.claims();
        let running = market.post_with_key("/orders", "k", &order);
        let asked = async {
            while market.claims() == calls {
                sleep(Duration::from_millis(10)).await;
            }
            let mut statuses = Vec::new();
            for seconds in [0, held.start() - 10, last - held.start() + 11] {
                market.advance(seconds);
                statuses.push(market.post_with_key("/orders", "k", &order).await.status);
            }
            statuses
        };
        let statuses = tokio::select! {
            _ = running => panic!("it runs for an hour"),
            statuses = asked => statuses,
        };
        assert_eq!(statuses, [202, 202, 201], "held for {held:?} seconds");
    }
}
