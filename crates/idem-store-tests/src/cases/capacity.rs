//! Room: what the store says it takes it takes, and it never makes room at a live record's cost.

use bytes::Bytes;
use idem_core::{
    Headers, Response,
    store::{Fenced, NotKept, Operation, Outcome, StoreError, StoreErrorKind},
};

use super::fidelity::comes_back;
use crate::{
    Trial, Verdict,
    fixture::SharedStore,
    sample::{self, LONG},
    trial::{completed, pending},
};

/// A limit above this is not tried: a test should not take a gigabyte.
const MOST_TRIED: usize = 64 * 1024 * 1024;

/// How many records are watched: one that is dropped at random should be among them.
const EARLY: usize = 20;

/// How many keys are inserted at a time.
const BATCH: usize = 40;

/// The largest response that the store says it takes comes back whole, headers counted.
pub async fn the_largest_response_is_taken(trial: &Trial) -> Verdict {
    if let Some(most) = limit(trial) {
        comes_back(trial, of_size(most)).await;
    }
    Ok(())
}

/// A response that is one byte larger is refused as too large; the lease stands, and completing
/// without the response is held.
pub async fn a_larger_response_is_refused_as_too_large(trial: &Trial) -> Verdict {
    let Some(most) = limit(trial) else {
        return Ok(());
    };
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    let (name, too_large) = (key.name(), of_size(most + 1));
    let completing = trial.store().complete(&name, &first, &too_large, LONG);
    is_too_large(completing.await);
    assert_eq!(key.look().await, pending(&first));

    let not_kept = NotKept::TooLarge.into();
    assert_eq!(key.complete(&first, &not_kept).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &not_kept));
    Ok(())
}

fn is_too_large(answer: Result<Fenced, StoreError>) {
    let error = answer.expect_err("the response is over the store's limit");
    assert_eq!(error.kind(), StoreErrorKind::TooLarge, "{error:?}");
    assert_eq!(error.operation(), Operation::Complete, "{error:?}");
}

/// However many keys come after them, live leases and live results are still there.
// S57
pub async fn nothing_live_is_dropped(trial: &Trial) -> Verdict {
    let early: Vec<_> = (0..EARLY)
        .map(|_| (trial.key(), sample::lease(), sample::outcome()))
        .collect();
    for (number, (key, lease, done)) in early.iter().enumerate() {
        key.own(lease).await;
        if number % 2 == 0 {
            key.record(lease, done, LONG).await;
        }
    }
    crowd(trial).await;
    for (number, (key, lease, done)) in early.iter().enumerate() {
        let stood = match number % 2 {
            0 => completed(lease, done),
            _ => pending(lease),
        };
        assert_eq!(key.look().await, stood);
    }
    Ok(())
}

/// Inserts as many keys as the fixture wants, or as the store takes.
async fn crowd(trial: &Trial) {
    for _ in 0..trial.crowd().div_ceil(BATCH) {
        let taken = trial
            .race(BATCH, |number, store| insert(store, number % 2 == 0))
            .await;
        if taken.into_iter().any(is_full) {
            return;
        }
    }
}

async fn insert(store: SharedStore, to_complete: bool) -> Result<(), StoreError> {
    let (key, lease) = (sample::record_key(), sample::lease());
    let _ = store.claim(&key, &lease).await?;
    if to_complete {
        let outcome = sample::outcome();
        let _ = store.complete(&key, &lease, &outcome, LONG).await?;
    }
    Ok(())
}

/// A store may be full, and must not be broken.
fn is_full(answer: Result<(), StoreError>) -> bool {
    match answer {
        Ok(()) => false,
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
            assert_eq!(error.operation(), Operation::Claim, "{error:?}");
            true
        }
    }
}

fn limit(trial: &Trial) -> Option<usize> {
    let most = trial.store().capacity().max_record_bytes();
    most.filter(|most| *most <= MOST_TRIED)
}

/// A response whose size is a quarter headers.
fn of_size(size: usize) -> Outcome {
    let value = vec![b'v'; (size / 4).min(4096).saturating_sub(1)];
    let mut headers = Headers::default();
    headers.push("x", &value);
    let body: Bytes = sample::bytes(size.saturating_sub(1 + value.len()));
    Response::new(200, headers, body).into()
}

/// What the store can take does not change.
pub async fn the_capacity_does_not_change(trial: &Trial) -> Verdict {
    let before = trial.store().capacity();
    trial.key().own(&sample::lease()).await;
    assert_eq!(trial.store().capacity(), before);
    Ok(())
}
