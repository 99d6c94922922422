//! Completing: the owner's result is recorded once, and nobody else's is.

use idem_core::store::Fenced;

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{completed, pending},
};

/// The owner's completion is held, and claims find the result from then on.
pub async fn the_owners_result_is_recorded(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    assert_eq!(key.complete(&first, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &done));
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// A stranger's completion is lost, and the owner's lease stands.
pub async fn a_strangers_completion_is_lost(trial: &Trial) -> Verdict {
    let (key, first, stranger) = (trial.key(), sample::lease(), sample::lease());
    key.own(&first).await;
    let theirs = key.complete(&stranger, &sample::outcome()).await;
    assert_eq!(theirs, Fenced::Lost);
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// Completing again is held, for the first reply may have been lost, and the first result stays.
// S37
pub async fn completing_again_changes_nothing(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    key.record(&first, &done, LONG).await;
    assert_eq!(key.complete(&first, &done).await, Fenced::Held);
    let other = key.complete(&first, &sample::outcome()).await;
    assert_eq!(other, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// Completing again does not restart the retention.
pub async fn completing_again_does_not_restart_retention(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    let kept = key.record(&first, &done, trial.short()).await;
    kept.nearly_ended().await;
    let again = kept.before_its_end(key.complete(&first, &done)).await?;
    assert_eq!(again, Fenced::Held);
    kept.ended().await;
    assert_eq!(key.look().await, idem_core::store::Claim::Owned);
    Ok(())
}

/// A completion under a key that nobody holds is recorded: what was done must be remembered, even
/// if the store has forgotten that it was begun.
pub async fn completing_an_absent_key_is_recorded(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    assert_eq!(key.complete(&first, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// The lease ran out and nobody took over: the late completion is recorded.
// S31b
pub async fn completing_late_is_recorded_if_nobody_took_over(trial: &Trial) -> Verdict {
    let (key, late, done) = (trial.key(), trial.short_lease(), sample::outcome());
    key.own(&late).await.ended().await;
    assert_eq!(key.complete(&late, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&late, &done));
    Ok(())
}

/// The lease ran out and another took over: the late completion is lost, and the other goes on.
// S32
pub async fn completing_after_a_takeover_is_lost(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), sample::lease());
    key.own(&late).await.ended().await;
    key.own(&next).await;
    let lost = key.complete(&late, &sample::outcome()).await;
    assert_eq!(lost, Fenced::Lost);
    assert_eq!(key.look().await, pending(&next));

    let done = sample::outcome();
    assert_eq!(key.complete(&next, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&next, &done));
    Ok(())
}

/// The lease ran out, another took over and completed: the late completion is lost, and the
/// other's result stands.
pub async fn completing_after_anothers_completion_is_lost(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), sample::lease());
    let done = sample::outcome();
    key.own(&late).await.ended().await;
    key.own(&next).await;
    key.record(&next, &done, LONG).await;
    let lost = key.complete(&late, &sample::outcome()).await;
    assert_eq!(lost, Fenced::Lost);
    assert_eq!(key.look().await, completed(&next, &done));
    Ok(())
}

/// A lease that was renewed completes as any other.
pub async fn completing_a_renewed_lease_is_recorded(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    assert_eq!(key.renew(&first).await, Fenced::Held);
    assert_eq!(key.complete(&first, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}
