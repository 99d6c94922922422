//! Races between real threads, whichever clock the other cases use.
//!
//! The paused clock has one thread alone, on which a store that never awaits cannot be raced.

use idem_core::store::Fenced;

use super::concurrency::exactly_one_owns;
use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::completed,
};

/// Of claims that come from many threads at once exactly one is owned.
// S28
pub async fn of_claims_from_many_threads_one_is_owned(trial: &Trial) -> Verdict {
    for _ in 0..50 {
        exactly_one_owns(trial, trial.key()).await;
    }
    Ok(())
}

/// Threads that work under keys of their own do not disturb each other.
pub async fn threads_under_other_keys_do_not_disturb(trial: &Trial) -> Verdict {
    let work: Vec<_> = (0..32)
        .map(|_| (sample::record_key(), sample::lease(), sample::outcome()))
        .collect();
    let answers = trial
        .race(work.len(), |number, store| {
            let (key, lease, outcome) = work[number].clone();
            async move {
                let _ = store.claim(&key, &lease).await?;
                store.complete(&key, &lease, &outcome, LONG).await
            }
        })
        .await;
    for (answer, (name, lease, outcome)) in answers.into_iter().zip(work) {
        assert_eq!(answer.expect("both calls succeed"), Fenced::Held);
        let found = trial.key_named(name).look().await;
        assert_eq!(found, completed(&lease, &outcome));
    }
    Ok(())
}
