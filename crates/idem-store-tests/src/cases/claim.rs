//! Claiming: the first has the key, and all others learn who.

use idem_core::{
    RecordKey,
    store::{Claim, Lease, Record},
};

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{completed, pending},
};

/// The claim of an absent key is owned.
pub async fn a_fresh_claim_is_owned(trial: &Trial) -> Verdict {
    assert_eq!(trial.key().claim(&sample::lease()).await, Claim::Owned);
    Ok(())
}

/// The claim of a key that somebody has finds their lease: owner, fingerprint and credentials.
// S30
pub async fn a_second_claim_finds_the_first_ones_lease(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// A duplicate of the same request has an owner token of its own, and is refused all the same.
// S28
pub async fn a_duplicate_of_the_same_request_is_refused(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    let duplicate = Lease::new(*first.identity(), first.duration());
    key.own(&first).await;
    assert_eq!(
        crate::trial::untimed(key.claim(&duplicate).await),
        pending(&first)
    );
    Ok(())
}

/// If the store tells what remains of a lease, it is what remains: never more than the lease, and
/// less as time goes by.
pub async fn what_remains_of_a_lease_is_told_right(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    let told = running.before_its_end(key.claim(&sample::lease())).await?;
    assert!(remaining(&told) <= Some(first.duration()), "{told:?}");

    running.nearly_ended().await;
    let told = running.before_its_end(key.claim(&sample::lease())).await?;
    let most = first.duration() / 2 + running.slack();
    assert!(remaining(&told) <= Some(most), "{told:?}");
    Ok(())
}

fn remaining(answer: &Claim) -> Option<std::time::Duration> {
    match answer {
        Claim::Taken(Record::Pending(found)) => found.remaining(),
        _ => panic!("somebody holds the lease, but the claim found {answer:?}"),
    }
}

/// Claiming again with the same lease is owned, so that a lost reply can be asked for again.
// S52
pub async fn claiming_again_by_the_owner_is_owned(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    for _ in 0..3 {
        assert_eq!(key.claim(&first).await, Claim::Owned);
    }
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// A claim that was asked for again runs from the first time.
pub async fn claiming_again_does_not_extend_the_lease(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    running.nearly_ended().await;
    let again = running.before_its_end(key.claim(&first)).await?;
    assert_eq!(again, Claim::Owned);
    running.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A refused claim does not extend the lease that it found.
pub async fn a_refused_claim_does_not_extend_the_lease(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), trial.short_lease());
    let running = key.own(&first).await;
    running.nearly_ended().await;
    let found = running.before_its_end(key.look()).await?;
    assert_eq!(found, pending(&first));
    running.ended().await;
    assert_eq!(key.look().await, Claim::Owned);
    Ok(())
}

/// A refused claim for a short time does not shorten the lease that it found.
pub async fn a_refused_claim_does_not_shorten_the_lease(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    let refused = trial.short_lease();
    let (answer, refused_for) = key.timed(refused.duration(), key.claim(&refused)).await;
    assert_ne!(answer, Claim::Owned);
    refused_for.ended().await;
    assert_eq!(key.look().await, pending(&first));
    Ok(())
}

/// The owner of a completed key finds the result, like everyone else.
// S54
pub async fn the_owner_finds_its_own_result(trial: &Trial) -> Verdict {
    let (key, first, done) = (trial.key(), sample::lease(), sample::outcome());
    key.own(&first).await;
    key.record(&first, &done, LONG).await;
    assert_eq!(key.claim(&first).await, completed(&first, &done));
    Ok(())
}

/// Whatever happens under one key, the others keep what they have.
pub async fn other_keys_are_not_disturbed(trial: &Trial) -> Verdict {
    let (held, kept, free) = (trial.key(), trial.key(), trial.key());
    let (first, second, third) = (sample::lease(), sample::lease(), sample::lease());
    let done = sample::outcome();
    held.own(&first).await;
    kept.own(&second).await;
    kept.record(&second, &done, LONG).await;
    free.own(&third).await;
    let _ = free.release(&third).await;
    assert_eq!(held.look().await, pending(&first));
    assert_eq!(kept.look().await, completed(&second, &done));
    assert_eq!(free.look().await, Claim::Owned);
    Ok(())
}

/// All 32 bytes of a record key count.
pub async fn keys_that_differ_in_one_byte_are_distinct(trial: &Trial) -> Verdict {
    let (base, first) = (trial.key(), sample::lease());
    base.own(&first).await;
    for position in 0..32 {
        let mut bytes = *base.name().as_bytes();
        bytes[position] ^= 1;
        let neighbour = trial.key_named(RecordKey::from_bytes(bytes));
        assert_eq!(neighbour.look().await, Claim::Owned, "byte {position}");
    }
    assert_eq!(base.look().await, pending(&first));
    Ok(())
}
