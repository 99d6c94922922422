//! Renewing: the owner's lease restarts, and nothing else changes.

use idem_core::store::{Claim, Fenced};

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{completed, pending},
};

/// A renewed lease runs for its whole duration from the renewal, and no longer.
// S34
pub async fn a_renewed_lease_runs_anew(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    running.nearly_ended().await;
    let renewal = running.before_its_end(key.renew(&first));
    let (answer, renewed) = key.timed(first.duration(), renewal).await;
    assert_eq!(answer?, Fenced::Held);

    running.ended().await;
    let found = renewed.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&first));
    renewed.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A lease that is renewed in time is held for as long as that goes on.
pub async fn a_lease_can_be_renewed_many_times(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let mut running = key.own(&first).await;
    for _ in 0..4 {
        running.nearly_ended().await;
        let renewal = running.before_its_end(key.renew(&first));
        let (answer, renewed) = key.timed(first.duration(), renewal).await;
        assert_eq!(answer?, Fenced::Held);
        running = renewed;
    }
    let found = running.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&first));
    Ok(())
}

/// A stranger's renewal is lost, and does not extend the owner's lease.
pub async fn a_strangers_renewal_is_lost(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    let theirs = running.before_its_end(key.renew(&sample::lease())).await?;
    assert_eq!(theirs, Fenced::Lost);
    let found = running.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&first));
    running.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// Renewing an absent key is lost, and does not take it.
pub async fn renewing_an_absent_key_is_lost(trial: &Trial) -> Verdict {
    let key = trial.key();
    assert_eq!(key.renew(&sample::lease()).await, Fenced::Lost);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// Renewing after completion is lost, by the owner as by a stranger, and the result stays.
// S36
pub async fn renewing_a_completed_key_is_lost(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    key.record(&first, &done, LONG).await;
    assert_eq!(key.renew(&first).await, Fenced::Lost);
    assert_eq!(key.renew(&sample::lease()).await, Fenced::Lost);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// Renewing after release is lost, and the key stays absent.
// S36
pub async fn renewing_after_release_is_lost(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    assert_eq!(key.release(&first).await, Fenced::Held);
    assert_eq!(key.renew(&first).await, Fenced::Lost);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A lease that ran out is not brought back by renewing it, swept or not.
pub async fn renewing_does_not_resurrect_a_lease(trial: &Trial) -> Verdict {
    let (key, late) = (trial.key(), trial.short_lease());
    key.own(&late).await.ended().await;
    assert_eq!(key.renew(&late).await, Fenced::Lost);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// Renewing after a takeover is lost, and does not extend the new owner's lease.
// S35
pub async fn renewing_after_a_takeover_is_lost(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), trial.short_lease());
    key.own(&late).await.ended().await;
    let running = key.own(&next).await;
    running.nearly_ended().await;
    let lost = running.before_its_end(key.renew(&late)).await?;
    assert_eq!(lost, Fenced::Lost);
    let found = running.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&next));
    running.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}
