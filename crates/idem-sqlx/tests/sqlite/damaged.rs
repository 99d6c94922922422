//! A record whose bytes changed in the file.

use std::convert::Infallible;

use idem_core::{Idempotency, IdempotencyKey, Policy, Refusal, RunError};

use crate::file::File;

/// Replaces the status in the only record, which keeps its length.
async fn set_status(file: &File, from: &[u8], to: &[u8]) {
    let asking = sqlx::query_scalar("SELECT record FROM idem_records");
    let mut record: Vec<u8> = asking.fetch_one(&file.pool).await.unwrap();
    let mut windows = record.windows(from.len());
    let at = windows.position(|window| window == from).unwrap();
    record[at..at + to.len()].copy_from_slice(to);
    let writing = sqlx::query("UPDATE idem_records SET record = ?").bind(record);
    writing.execute(&file.pool).await.unwrap();
}

// S59
#[tokio::test]
async fn a_record_with_a_damaged_status_is_a_failure_of_the_store_and_never_replayed() {
    for damaged in ["  0", " 99"] {
        let file = File::new();
        let idempotency = Idempotency::new(file.store().await, Policy::reference());
        let key = IdempotencyKey::new("k").unwrap();
        let ship = || async { Ok::<_, Infallible>("parcel-4".to_owned()) };
        let again = || async { idempotency.run(&key, "order-9", ship).await };
        assert!(!again().await.unwrap().is_replay());

        let damaged = format!("\"status\":{damaged}");
        set_status(&file, b"\"status\":200", damaged.as_bytes()).await;
        let refused = again().await.unwrap_err();
        assert!(
            matches!(refused, RunError::Refused(Refusal::StoreUnavailable)),
            "{refused:?}"
        );

        // The bytes are all that is wrong.
        set_status(&file, damaged.as_bytes(), b"\"status\":200").await;
        assert!(again().await.unwrap().is_replay());
    }
}
