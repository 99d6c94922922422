//! Time: what has run out is absent at that instant, and what has not is there.

use idem_core::store::{Claim, Fenced};

use crate::{
    Trial, Verdict,
    clock::Span,
    sample::{self, LONG},
    trial::{Key, completed, pending},
};

/// A lease is held until its end.
pub async fn a_lease_is_held_until_its_end(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    running.nearly_ended().await;
    let found = running.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&first));
    Ok(())
}

/// A lease that ran out is absent: the next claim takes over.
// S31
pub async fn a_lease_that_ran_out_is_taken_over(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), sample::lease());
    key.own(&late).await.ended().await;
    assert_eq!(key.claim(&next).await, Claim::Owned);
    assert_eq!(key.look().await, pending(&next));
    Ok(())
}

/// An owner that let its lease run out is a stranger to the one that took over.
// S32
pub async fn the_late_owner_finds_who_took_over(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), sample::lease());
    key.own(&late).await.ended().await;
    key.own(&next).await;
    let found = crate::trial::untimed(key.claim(&late).await);
    assert_eq!(found, pending(&next));
    Ok(())
}

/// A lease that took over runs for its own whole duration.
pub async fn a_takeover_runs_from_its_own_claim(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), trial.short_lease());
    key.own(&late).await.ended().await;
    let running = key.own(&next).await;
    running.nearly_ended().await;
    let found = running.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&next));
    running.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A stranger's completion under a lease that ran out is recorded: the key is absent.
// S31b
pub async fn a_lease_that_ran_out_does_not_fence(trial: &Trial) -> Verdict {
    let (key, late, other) = (trial.key(), trial.short_lease(), sample::lease());
    let done = sample::outcome();
    key.own(&late).await.ended().await;
    assert_eq!(key.complete(&other, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&other, &done));
    Ok(())
}

/// Retention counts from the completion, however long the lease ran before, and the result is
/// there until its end.
// S55
pub async fn retention_counts_from_completion(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    let (answer, since_claim) = key.timed(trial.short(), key.claim(&first)).await;
    assert_eq!(answer, Claim::Owned);
    since_claim.nearly_ended().await;
    let kept = key.record(&first, &done, trial.short()).await;
    since_claim.ended().await;
    let found = kept.before_its_end(key.look()).await?;
    assert_eq!(found, completed(&first, &done));
    kept.nearly_ended().await;
    let found = kept.before_its_end(key.look()).await?;
    assert_eq!(found, completed(&first, &done));
    Ok(())
}

/// A result whose retention is longer than the lease outlives the lease.
pub async fn a_result_outlives_its_lease(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), trial.short_lease(), sample::outcome());
    let running = key.own(&first).await;
    key.record(&first, &done, LONG).await;
    running.ended().await;
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// A result whose retention is over is absent, though its lease would run on: the next claim is
/// owned, also for another request.
// S55
// S56
pub async fn a_result_that_ran_out_is_absent_to_claim(trial: &Trial) -> Verdict {
    let (key, next) = (trial.key(), sample::lease());
    run_out(trial, key).await;
    assert_eq!(key.claim(&next).await, Claim::Owned);
    assert_eq!(key.look().await, pending(&next));
    Ok(())
}

/// A result whose retention is over is absent to renewal.
// S56
pub async fn a_result_that_ran_out_is_absent_to_renew(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    recorded(trial, key, &first).await.ended().await;
    assert_eq!(key.renew(&first).await, Fenced::Lost);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A result whose retention is over is absent to completion: another's lands.
// S56
pub async fn a_result_that_ran_out_is_absent_to_complete(trial: &Trial) -> Verdict {
    let (key, other, done) = (trial.key(), sample::lease(), sample::outcome());
    run_out(trial, key).await;
    assert_eq!(key.complete(&other, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&other, &done));
    Ok(())
}

/// A result whose retention is over is absent to release.
// S56
pub async fn a_result_that_ran_out_is_absent_to_release(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    recorded(trial, key, &first).await.ended().await;
    assert_eq!(key.release(&first).await, Fenced::Lost);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// Claims and renewals that come to a result do not prolong it.
pub async fn a_result_is_not_prolonged_by_those_who_find_it(trial: &Trial) -> Verdict {
    let (key, first, other) = (trial.key(), sample::lease(), sample::lease());
    let kept = recorded(trial, key, &first).await;
    kept.nearly_ended().await;
    let _ = kept.before_its_end(key.claim(&other)).await?;
    let _ = kept.before_its_end(key.renew(&other)).await?;
    let _ = kept.before_its_end(key.renew(&first)).await?;
    kept.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// Claims and renewals that come to a result do not shorten it to their lease.
pub async fn a_result_is_not_shortened_by_those_who_find_it(trial: &Trial) -> Verdict {
    let (key, first, other) = (trial.key(), trial.short_lease(), trial.short_lease());
    let done = sample::outcome();
    key.own(&first).await;
    key.record(&first, &done, LONG).await;
    let _ = key.claim(&other).await;
    let _ = key.renew(&other).await;
    let (_, lost_for) = key.timed(trial.short(), key.renew(&first)).await;
    lost_for.ended().await;
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// Records a result that is to run out; its lease would run on.
async fn recorded(trial: &Trial, key: Key<'_>, lease: &idem_core::store::Lease) -> Span {
    key.own(lease).await;
    key.record(lease, &sample::outcome(), trial.short()).await
}

/// Lets a result of somebody's run out.
async fn run_out(trial: &Trial, key: Key<'_>) {
    recorded(trial, key, &sample::lease()).await.ended().await;
}
