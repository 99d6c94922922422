//! Races: whatever the order, each call happens at one instant, wholly or not at all.
//!
//! On the paused clock the tasks take turns wherever the store awaits; on a real one they run on
//! four threads. Where the fixture has several clients, the tasks are dealt out among them.

use std::sync::Arc;

use idem_core::{
    RecordKey,
    store::{Claim, Fenced, Lease, Outcome, Record},
};

use crate::{
    Trial, Verdict,
    fixture::SharedStore,
    sample::{self, LONG},
    trial::{Key, completed, pending, untimed},
};

/// How often a race is run; each time is under another key.
pub(super) const ROUNDS: usize = 24;

/// How many take part in it.
const TASKS: usize = 16;

/// Of many concurrent claims of an absent key exactly one is owned, and the others find it.
// S28
pub async fn of_many_claims_exactly_one_is_owned(trial: &Trial) -> Verdict {
    for _ in 0..ROUNDS {
        exactly_one_owns(trial, trial.key()).await;
    }
    Ok(())
}

/// Of many concurrent claims that come when a lease has run out, exactly one takes over.
// S31
pub async fn of_many_takeovers_exactly_one_is_owned(trial: &Trial) -> Verdict {
    let keys: Vec<_> = (0..ROUNDS).map(|_| trial.key()).collect();
    let mut last = None;
    for key in &keys {
        last = Some(key.own(&trial.short_lease()).await);
    }
    if let Some(last) = last {
        last.ended().await;
    }
    for key in keys {
        exactly_one_owns(trial, key).await;
    }
    Ok(())
}

pub(super) async fn exactly_one_owns(trial: &Trial, key: Key<'_>) {
    let leases: Vec<_> = (0..TASKS).map(|_| sample::lease()).collect();
    let answers = race_claims(trial, key, &leases).await;
    let owned = |answer: &Claim| *answer == Claim::Owned;
    assert_eq!(answers.iter().filter(|answer| owned(answer)).count(), 1);
    let winner = answers.iter().position(owned).expect("one is owned");
    for (number, answer) in answers.into_iter().enumerate() {
        assert!(number == winner || untimed(answer) == pending(&leases[winner]));
    }
    assert_eq!(key.look().await, pending(&leases[winner]));
}

async fn race_claims(trial: &Trial, key: Key<'_>, leases: &[Lease]) -> Vec<Claim> {
    let (name, leases) = (key.name(), leases.to_vec());
    trial
        .race(leases.len(), |number, store| {
            claim(store, name, leases[number])
        })
        .await
}

pub(super) async fn claim(store: SharedStore, key: RecordKey, lease: Lease) -> Claim {
    store.claim(&key, &lease).await.expect("the claim succeeds")
}

/// An owner that asks several times at once, since replies seemed lost, is answered owned each
/// time.
// S52
pub async fn an_owner_may_claim_concurrently_with_itself(trial: &Trial) -> Verdict {
    for _ in 0..ROUNDS {
        let (key, mine) = (trial.key(), sample::lease());
        let answers = race_claims(trial, key, &[mine; TASKS]).await;
        assert_eq!(answers, vec![Claim::Owned; TASKS]);
        assert_eq!(key.look().await, pending(&mine));
    }
    Ok(())
}

/// Of concurrent completions only the owner's is held, whenever it comes.
pub async fn of_many_completions_only_the_owners_is_held(trial: &Trial) -> Verdict {
    for round in 0..ROUNDS {
        let key = trial.key();
        let leases: Vec<_> = (0..TASKS).map(|_| sample::lease()).collect();
        let (owner, done) = (round % TASKS, sample::outcome());
        key.own(&leases[owner]).await;
        let answers = race_completions(trial, key, &leases, &done).await;
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer == Fenced::Held, number == owner, "task {number}");
        }
        assert_eq!(key.look().await, completed(&leases[owner], &done));
    }
    Ok(())
}

/// Completions of one owner that come at once are all held. One of them is recorded, and stands
/// from the first answer on.
// S37
pub async fn completions_of_one_owner_are_applied_once(trial: &Trial) -> Verdict {
    for _ in 0..ROUNDS {
        let (key, mine) = (trial.key(), sample::lease());
        key.own(&mine).await;
        let name = key.name();
        let found = trial
            .race(TASKS, |_, store| async move {
                let answer = complete(Arc::clone(&store), name, mine, sample::outcome()).await;
                assert_eq!(answer, Fenced::Held);
                claim(store, name, sample::lease()).await
            })
            .await;
        assert!(matches!(found[0], Claim::Taken(Record::Completed(_))));
        assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
    }
    Ok(())
}

/// An absent key can be completed, even by many at once: one of them is held.
pub async fn of_completions_of_an_absent_key_one_is_held(trial: &Trial) -> Verdict {
    for _ in 0..ROUNDS {
        let (key, done) = (trial.key(), sample::outcome());
        let leases: Vec<_> = (0..TASKS).map(|_| sample::lease()).collect();
        let answers = race_completions(trial, key, &leases, &done).await;
        let held: Vec<_> = (0..TASKS)
            .filter(|number| answers[*number] == Fenced::Held)
            .collect();
        assert_eq!(held.len(), 1, "{answers:?}");
        assert_eq!(key.look().await, completed(&leases[held[0]], &done));
    }
    Ok(())
}

/// Completes with all leases at once.
async fn race_completions(
    trial: &Trial,
    key: Key<'_>,
    leases: &[Lease],
    outcome: &Outcome,
) -> Vec<Fenced> {
    let name = key.name();
    trial
        .race(leases.len(), |number, store| {
            complete(store, name, leases[number], outcome.clone())
        })
        .await
}

pub(super) async fn complete(
    store: SharedStore,
    key: RecordKey,
    lease: Lease,
    outcome: Outcome,
) -> Fenced {
    store
        .complete(&key, &lease, &outcome, LONG)
        .await
        .expect("the completion succeeds")
}

/// Of concurrent releases by one owner exactly one is held, so that the key is freed once.
pub async fn of_many_releases_one_is_held(trial: &Trial) -> Verdict {
    for _ in 0..ROUNDS {
        let (key, mine) = (trial.key(), sample::lease());
        key.own(&mine).await;
        let name = key.name();
        let answers = trial
            .race(TASKS, |_, store| async move {
                let released = store.release(&name, &mine).await;
                released.expect("the release succeeds")
            })
            .await;
        let held = answers.iter().filter(|&&answer| answer == Fenced::Held);
        assert_eq!(held.count(), 1);
        assert_eq!(key.look().await, Claim::Owned);
    }
    Ok(())
}
