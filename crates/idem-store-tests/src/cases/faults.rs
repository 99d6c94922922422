//! Failures: an error whose write landed says that it may have, and asking again is right.
//!
//! They need a way to lose a reply ([`Fixture::faults`](crate::Fixture::faults)); without one, and
//! where the store asks again by itself and succeeds, they check nothing.

use idem_core::store::{Claim, Fenced, Operation, StoreError};

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{completed, pending},
};

/// A claim that failed but landed says so; claiming again with the same lease is owned.
// S52
pub async fn a_claim_that_landed_says_so(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    if !trial.lose_next_reply(Operation::Claim) {
        return Ok(());
    }
    let answer = trial.store().claim(&key.name(), &first).await;
    if let Some(error) = failure(answer, Operation::Claim) {
        let found = key.look().await;
        is_honest(&error, found == pending(&first));
        if found == Claim::Owned {
            return Ok(());
        }
    }
    assert_eq!(key.claim(&first).await, Claim::Owned);
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// A renewal that failed but landed says so.
pub async fn a_renewal_that_landed_says_so(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    running.nearly_ended().await;
    if !trial.lose_next_reply(Operation::Renew) {
        return Ok(());
    }
    let answer = running
        .before_its_end(trial.store().renew(&key.name(), &first))
        .await?;
    running.ended().await;
    if let Some(error) = failure(answer, Operation::Renew) {
        is_honest(&error, key.look().await == pending(&first));
    }
    Ok(())
}

/// A completion that failed but landed says so; completing again is held, and the result stays.
// S54
pub async fn a_completion_that_landed_says_so(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    if !trial.lose_next_reply(Operation::Complete) {
        return Ok(());
    }
    let answer = trial
        .store()
        .complete(&key.name(), &first, &done, LONG)
        .await;
    if let Some(error) = failure(answer, Operation::Complete) {
        is_honest(&error, key.look().await == completed(&first, &done));
    }
    assert_eq!(key.complete(&first, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// A release that failed but landed says so.
pub async fn a_release_that_landed_says_so(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    if !trial.lose_next_reply(Operation::Release) {
        return Ok(());
    }
    let answer = trial.store().release(&key.name(), &first).await;
    if let Some(error) = failure(answer, Operation::Release) {
        is_honest(&error, key.look().await == Claim::Owned);
    }
    Ok(())
}

/// The failure, which tells what was being done.
fn failure<T>(answer: Result<T, StoreError>, operation: Operation) -> Option<StoreError> {
    let error = answer.err()?;
    assert_eq!(error.operation(), operation, "{error:?}");
    Some(error)
}

fn is_honest(error: &StoreError, landed: bool) {
    assert!(
        error.may_have_landed() || !landed,
        "the write landed, and the error denies it: {error:?}"
    );
}
