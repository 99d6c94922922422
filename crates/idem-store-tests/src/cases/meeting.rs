//! Two calls that meet: an owner completes while another claims.

use idem_core::store::{Claim, Fenced, Lease, Outcome};

use super::concurrency::{ROUNDS, claim, complete};
use crate::{
    Trial, Verdict, sample,
    trial::{Key, completed, pending, untimed},
};

/// A late completion and a takeover that come together exclude each other: one of them has the
/// key, and the other is told so.
// S32
pub async fn a_late_completion_and_a_takeover_exclude_each_other(trial: &Trial) -> Verdict {
    let (late, next, done) = (trial.short_lease(), sample::lease(), sample::outcome());
    let keys: Vec<_> = (0..ROUNDS).map(|_| trial.key()).collect();
    for key in &keys {
        key.own(&late).await;
    }
    let clock = trial.clock();
    clock.wait(trial.short() * 3 / 2 + clock.tolerance()).await;
    for (round, key) in keys.into_iter().enumerate() {
        let answers = meet(trial, key, round, [late, next], done.clone()).await;
        let stands = match &answers {
            (Fenced::Held, Claim::Taken(_)) => completed(&late, &done),
            (Fenced::Lost, Claim::Owned) => pending(&next),
            both => panic!("late completion and takeover: {both:?}"),
        };
        assert_eq!(key.look().await, stands);
    }
    Ok(())
}

/// Completes with one lease while another claims; who is first alternates.
async fn meet(
    trial: &Trial,
    key: Key<'_>,
    round: usize,
    [mine, theirs]: [Lease; 2],
    outcome: Outcome,
) -> (Fenced, Claim) {
    let completing = complete(trial.client(round), key.name(), mine, outcome);
    let claiming = claim(trial.client(round + 1), key.name(), theirs);
    if round % 2 == 0 {
        together(completing, claiming).await
    } else {
        let (found, completion) = together(claiming, completing).await;
        (completion, found)
    }
}

async fn together<A, B>(
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let (first, second) = (tokio::spawn(first), tokio::spawn(second));
    let answer = first.await.expect("the call does not panic");
    (answer, second.await.expect("the call does not panic"))
}

/// While the owner completes, a claim finds the lease or the result, and never an absent key.
pub async fn a_completion_leaves_no_gap(trial: &Trial) -> Verdict {
    for round in 0..ROUNDS {
        let (key, mine, done) = (trial.key(), sample::lease(), sample::outcome());
        key.own(&mine).await;
        let leases = [mine, sample::lease()];
        let (completion, found) = meet(trial, key, round, leases, done.clone()).await;
        assert_eq!(completion, Fenced::Held);
        let found = untimed(found);
        assert!(
            found == pending(&mine) || found == completed(&mine, &done),
            "{found:?}"
        );
        assert_eq!(key.look().await, completed(&mine, &done));
    }
    Ok(())
}
