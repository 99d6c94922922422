//! Releasing: the owner frees a pending key, and nothing else is freed by it.

use idem_core::store::{Claim, Fenced, Lease, Record};

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{completed, pending},
};

/// A released key is absent: the next claim is owned, also for another request.
// S43
pub async fn a_released_key_is_absent(trial: &Trial) -> Verdict {
    let (key, first, next) = (trial.key(), sample::lease(), sample::lease());
    key.own(&first).await;
    assert_eq!(key.release(&first).await, Fenced::Held);
    assert_eq!(key.claim(&next).await, Claim::Owned);
    assert_eq!(key.look().await, pending(&next));
    Ok(())
}

/// The next claim of a released key owns it to the end, and records its result.
pub async fn a_released_key_can_be_completed_by_the_next(trial: &Trial) -> Verdict {
    let (key, first, next) = (trial.key(), sample::lease(), sample::lease());
    let done = sample::outcome();
    key.own(&first).await;
    assert_eq!(key.release(&first).await, Fenced::Held);
    key.own(&next).await;
    key.record(&next, &done, LONG).await;
    assert_eq!(key.look().await, completed(&next, &done));
    Ok(())
}

/// The fence is the owner token, not how long the lease was asked for: an operator releases a dead
/// owner's key with what a claim tells, which has no duration.
pub async fn a_lease_read_from_a_claim_releases(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    let Claim::Taken(Record::Pending(found)) = key.look().await else {
        panic!("somebody holds the key");
    };
    let read = Lease::of_owner(*found.owner(), *found.identity(), trial.short());
    assert_eq!(key.release(&read).await, Fenced::Held);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// The next lease under a released key runs for its own whole duration.
pub async fn the_lease_after_a_release_runs_from_its_own_claim(trial: &Trial) -> Verdict {
    let (key, first, next) = (trial.key(), trial.short_lease(), sample::lease());
    let running = key.own(&first).await;
    let released = running.before_its_end(key.release(&first)).await?;
    assert_eq!(released, Fenced::Held);
    key.own(&next).await;
    running.ended().await;
    assert_eq!(key.look().await, pending(&next));
    Ok(())
}

/// A stranger's release is lost, and the owner's lease stands.
pub async fn a_strangers_release_is_lost(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    assert_eq!(key.release(&sample::lease()).await, Fenced::Lost);
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// Releasing an absent key is lost, and it stays absent.
pub async fn releasing_an_absent_key_is_lost(trial: &Trial) -> Verdict {
    let key = trial.key();
    assert_eq!(key.release(&sample::lease()).await, Fenced::Lost);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// Releasing twice is lost the second time.
pub async fn releasing_again_is_lost(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    assert_eq!(key.release(&first).await, Fenced::Held);
    assert_eq!(key.release(&first).await, Fenced::Lost);
    Ok(())
}

/// Releasing after completion is lost, and the result stays.
// S37
pub async fn the_owners_release_does_not_undo_completion(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    key.record(&first, &done, LONG).await;
    assert_eq!(key.release(&first).await, Fenced::Lost);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// A stranger's release after completion is lost, and the result stays.
// S37
pub async fn a_strangers_release_does_not_undo_completion(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    key.record(&first, &done, LONG).await;
    assert_eq!(key.release(&sample::lease()).await, Fenced::Lost);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// Releasing a lease that ran out is lost, swept or not, and the key is absent as it was.
pub async fn releasing_late_is_lost(trial: &Trial) -> Verdict {
    let (key, late) = (trial.key(), trial.short_lease());
    key.own(&late).await.ended().await;
    assert_eq!(key.release(&late).await, Fenced::Lost);
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// An owner that fails late does not free the key of the one that took over.
// S33
pub async fn releasing_after_a_takeover_is_lost(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), sample::lease());
    key.own(&late).await.ended().await;
    key.own(&next).await;
    assert_eq!(key.release(&late).await, Fenced::Lost);
    assert_eq!(key.look().await, pending(&next));
    Ok(())
}
