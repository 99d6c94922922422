//! Each key has its own record, however keys are chosen and however many there are.

use idem_core::{IdempotencyStore, MemoryStore, RecordKey, store::Claim};

use super::{RETENTION, is_owned, lease, put};

#[tokio::test(start_paused = true)]
async fn keys_that_begin_alike_are_two() {
    let store = MemoryStore::new();
    // With enough work a client finds two keys whose digests begin with the same bytes.
    let keys = [0_u8, 1].map(|last| {
        let mut bytes = [7; 32];
        bytes[31] = last;
        RecordKey::from_bytes(bytes)
    });
    let leases = keys.map(|_| lease());
    for (key, lease) in keys.iter().zip(&leases) {
        assert_eq!(store.claim(key, lease).await.unwrap(), Claim::Owned);
    }
    let _ = store.release(&keys[0], &leases[0]).await.unwrap();
    let again = store.claim(&keys[1], &lease()).await.unwrap();
    assert!(matches!(again, Claim::Taken(_)), "the other one was freed");
}

#[tokio::test(start_paused = true)]
async fn each_record_is_found_again_after_the_tables_grew_and_shrank() {
    let store = MemoryStore::new();
    for number in 0..20_000 {
        let retention = if number % 10 == 0 {
            2 * RETENTION
        } else {
            RETENTION
        };
        put(&store, number, 0, retention).await;
    }
    for number in 0..20_000 {
        assert!(!is_owned(&store, number).await, "{number} is lost");
    }
    tokio::time::sleep(RETENTION + RETENTION / 2).await;
    assert_eq!(store.records(), 2_000);
    for number in (0..20_000).step_by(10) {
        assert!(!is_owned(&store, number).await, "{number} is lost");
    }
}
