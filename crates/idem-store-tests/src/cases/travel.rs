//! Travelling: a lease that was claimed in one process acts in another, which has it from a text.
//!
//! The other process is the fixture's second client, if it has one.

use std::time::Duration;

use idem_core::{
    IdempotencyKey, TravellingLease,
    store::{Claim, Fenced, Lease, OwnerToken},
};

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{Key, completed, pending},
};

/// The lease as another process reads it.
fn read(key: &Key<'_>, lease: &Lease) -> Lease {
    let name = IdempotencyKey::new("order-17").expect("it is 1 to 255 bytes long");
    let sent = TravellingLease::new(name, key.name(), *lease).to_text();
    let read: TravellingLease = sent.parse().expect("what was sent is read");
    assert_eq!(*read.record_key(), key.name());
    *read.lease()
}

const fn for_another(lease: &Lease, duration: Duration) -> Lease {
    Lease::of_owner(*lease.owner(), *lease.identity(), duration)
}

/// The bearer of the lease renews it: the fence is the owner token, not the process that claimed.
pub async fn a_lease_that_travelled_is_renewed(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    running.nearly_ended().await;
    let (there, lease) = (key.elsewhere(), read(&key, &first));
    let renewal = running.before_its_end(there.renew(&lease));
    let (answer, renewed) = there.timed(lease.duration(), renewal).await;
    assert_eq!(answer?, Fenced::Held);

    running.ended().await;
    let found = renewed.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&first));
    renewed.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// The bearer of the lease completes, and all processes find the result.
pub async fn a_lease_that_travelled_completes(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    let there = key.elsewhere();
    let answer = there.complete(&read(&key, &first), &done).await;
    assert_eq!(answer, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &done));
    assert_eq!(there.look().await, completed(&first, &done));
    Ok(())
}

/// The bearer of the lease frees the key, and the process that claimed it no longer has it.
pub async fn a_lease_that_travelled_releases(trial: &Trial) -> Verdict {
    let (key, first, next) = (trial.key(), sample::lease(), sample::lease());
    key.own(&first).await;
    let there = key.elsewhere();
    assert_eq!(there.release(&read(&key, &first)).await, Fenced::Held);
    assert_eq!(key.renew(&first).await, Fenced::Lost);
    key.own(&next).await;
    assert_eq!(there.look().await, pending(&next));
    Ok(())
}

/// A lease runs for as long as its renewal asks, longer than its claim or shorter: a message may take
/// longer than a request.
pub async fn a_renewal_may_ask_for_another_duration(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    let longer = for_another(&first, LONG);
    let renewed = running.before_its_end(key.renew(&longer)).await?;
    assert_eq!(renewed, Fenced::Held);
    running.ended().await;
    let there = key.elsewhere();
    assert_eq!(there.look().await, pending(&first));

    let (answer, renewed) = there.timed(trial.short(), there.renew(&first)).await;
    assert_eq!(answer, Fenced::Held);
    renewed.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// The fence of a completion is the owner token, not how long the lease was asked for.
pub async fn a_completion_may_have_another_duration(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    let other = for_another(&first, trial.short());
    assert_eq!(key.complete(&other, &done).await, Fenced::Held);
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// An owner token that differs in one bit, anywhere, is a stranger's: it renews, completes and
/// releases nothing.
pub async fn an_altered_owner_is_lost(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    let there = key.elsewhere();
    for byte in 0..16 {
        let mut owner = *first.owner().as_bytes();
        owner[byte] ^= 1;
        let owner = OwnerToken::from_bytes(owner);
        let altered = Lease::of_owner(owner, *first.identity(), trial.short());
        assert_eq!(there.renew(&altered).await, Fenced::Lost, "byte {byte}");
        let theirs = there.complete(&altered, &sample::outcome()).await;
        assert_eq!(theirs, Fenced::Lost, "byte {byte}");
        assert_eq!(there.release(&altered).await, Fenced::Lost, "byte {byte}");
    }
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// A message that is delivered again, after what it asked for was done, changes nothing.
pub async fn a_lease_that_comes_again_changes_nothing(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    let there = key.elsewhere();
    let answer = there.complete(&read(&key, &first), &done).await;
    assert_eq!(answer, Fenced::Held);
    for again in [&there, &key] {
        let lease = read(&key, &first);
        assert_eq!(again.renew(&lease).await, Fenced::Lost);
        let other = again.complete(&lease, &sample::outcome()).await;
        assert_eq!(other, Fenced::Held);
        assert_eq!(again.release(&lease).await, Fenced::Lost);
    }
    assert_eq!(key.look().await, completed(&first, &done));
    Ok(())
}

/// A message that comes when its lease ran out and somebody took over changes nothing of theirs.
pub async fn a_lease_that_comes_too_late_changes_nothing(trial: &Trial) -> Verdict {
    let (key, late, next) = (trial.key(), trial.short_lease(), sample::lease());
    key.own(&late).await.ended().await;
    key.own(&next).await;
    let (there, lease) = (key.elsewhere(), read(&key, &late));
    assert_eq!(there.renew(&lease).await, Fenced::Lost);
    let theirs = there.complete(&lease, &sample::outcome()).await;
    assert_eq!(theirs, Fenced::Lost);
    assert_eq!(there.release(&lease).await, Fenced::Lost);
    assert_eq!(key.look().await, pending(&next));
    Ok(())
}
