//! A database that dies at any instant: no effect twice, and none lost.

// S63, S81

use std::{sync::Arc, time::Duration};

use rand::RngExt;
use tokio::time::sleep;

use crate::{
    killed::ENTRY,
    kills::{DATABASE, Sum, Trial, judge, number},
    orders::Orders,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_has_no_effect_twice_and_loses_none() {
    let orders = Orders::new().await;
    let trial = Trial::start(ENTRY, vec![(DATABASE, orders.place())]);
    for _ in 0..number("IDEM_CRASHES", 3) {
        let pause = rand::rng().random_range(200..600);
        sleep(Duration::from_millis(pause)).await;
        let server = Arc::clone(&orders.server);
        let crash = move || {
            server.stop_immediately().unwrap();
            server.start_again().unwrap();
        };
        tokio::task::spawn_blocking(crash).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    let answers = trial.end().await;
    let sum = judge(&answers, &orders.all().await);
    assert_eq!(sum, Sum { extra: 0, lost: 0 });
}
