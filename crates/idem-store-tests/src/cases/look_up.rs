//! Looking a key up: what stands there is told, and stays as it is.
//!
//! A look-up may be stale where the store is busy; here it comes after the store has answered, and
//! nobody else is about.

use std::time::Duration;

use idem_core::store::{Claim, Fenced};

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{Key, completed, pending},
};

/// An unused key is absent, and looking does not take it: it is absent to the next look, and to the next claim.
pub async fn looking_does_not_take_the_key(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    for _ in 0..2 {
        assert_eq!(key.look_up().await, None);
    }
    assert_eq!(key.claim(&first).await, Claim::Owned);
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// A lease is seen with its owner, fingerprint and credentials, and stays its owner's.
pub async fn a_lease_is_seen(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    assert_eq!(key.seen().await, Some(pending(&first)));
    assert_eq!(key.renew(&first).await, Fenced::Held);
    assert_eq!(key.seen().await, Some(pending(&first)));
    Ok(())
}

/// A result is seen as claims find it, and stays.
pub async fn a_result_is_seen(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    key.record(&first, &done, LONG).await;
    for _ in 0..2 {
        assert_eq!(key.seen().await, Some(completed(&first, &done)));
    }
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// A lease that is looked at ends when it did.
pub async fn looking_does_not_let_a_lease_run_anew(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    running.nearly_ended().await;
    let seen = running.before_its_end(key.seen()).await?;
    assert_eq!(seen, Some(pending(&first)));
    running.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A result that is looked at ends when it did.
pub async fn looking_does_not_let_a_retention_run_anew(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    let kept = key.record(&first, &done, trial.short()).await;
    kept.nearly_ended().await;
    let seen = kept.before_its_end(key.seen()).await?;
    assert_eq!(seen, Some(completed(&first, &done)));
    kept.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A lease that ran out is absent.
pub async fn a_lease_that_ran_out_is_not_seen(trial: &Trial) -> Verdict {
    let key = trial.key();
    key.own(&trial.short_lease()).await.ended().await;
    assert_eq!(key.look_up().await, None);
    Ok(())
}

/// A result whose retention is over is absent.
// S56
pub async fn a_result_that_ran_out_is_not_seen(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    let kept = key.record(&first, &sample::outcome(), trial.short()).await;
    kept.ended().await;
    assert_eq!(key.look_up().await, None);
    Ok(())
}

/// A key that was released is absent.
pub async fn a_released_key_is_not_seen(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    assert_eq!(key.release(&first).await, Fenced::Held);
    assert_eq!(key.look_up().await, None);
    Ok(())
}

/// If the store tells what remains, of a lease or of a retention, it is what remains: never more
/// than the whole, and less as time goes by.
pub async fn what_remains_is_told_right(trial: &Trial) -> Verdict {
    let (key, first, most) = (trial.key(), trial.short_lease(), trial.short());
    let running = key.own(&first).await;
    let told = running.before_its_end(remaining(key)).await?;
    assert!(told <= Some(most), "{told:?} of a lease of {most:?}");
    running.nearly_ended().await;
    let told = running.before_its_end(remaining(key)).await?;
    assert!(told <= Some(most / 2), "{told:?} of a lease of {most:?}");

    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    let kept = key.record(&first, &sample::outcome(), most).await;
    let told = kept.before_its_end(remaining(key)).await?;
    assert!(told <= Some(most), "{told:?} of a retention of {most:?}");
    kept.nearly_ended().await;
    let told = kept.before_its_end(remaining(key)).await?;
    assert!(
        told <= Some(most / 2),
        "{told:?} of a retention of {most:?}"
    );
    Ok(())
}

async fn remaining(key: Key<'_>) -> Option<Duration> {
    let found = key.look_up().await;
    found.expect("something stands there").remaining()
}
