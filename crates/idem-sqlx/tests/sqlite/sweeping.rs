//! What ran out goes by itself, a batch at a time, and nothing else does.

use std::time::Duration;

use idem_core::{IdempotencyStore, store::Claim};
use tokio::time::{sleep, timeout};

use crate::file::{File, LONG, key, lease};

const EXPIRED: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
    INSERT INTO idem_records SELECT randomblob(32), x'00', 1, 0, x'00' FROM n";

#[tokio::test]
async fn a_batch_is_bounded_and_what_is_live_stays() {
    let file = File::new();
    let store = file.builder().without_sweeping().prepare().await.unwrap();
    file.run(EXPIRED).await;
    let (key, held) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
    for wanted in [100, 100, 50, 0] {
        assert_eq!(store.sweep().await.unwrap(), wanted);
    }
    assert!(store.look_up(&key).await.unwrap().is_some());
}

// S80
#[tokio::test]
async fn expired_rows_go_by_themselves_while_a_clone_lives() {
    let file = File::new();
    let builder = file.builder().sweep_every(Duration::from_millis(5));
    let store = builder.prepare().await.unwrap();
    let clone = store.clone();
    drop(store);
    file.run(EXPIRED).await;
    let gone = async {
        while file.count().await > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.unwrap();
    drop(clone);
    // A sweep that had begun is over by then.
    sleep(Duration::from_millis(50)).await;
    file.run(EXPIRED).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(file.count().await, 250);
}
