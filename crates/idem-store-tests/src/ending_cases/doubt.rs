//! A COMMIT whose answer is lost; these are left out where no connection can be [cut](crate::Cut).

use idem_core::Undone;

use crate::{Cut, EndingTrial, TransactionalStore, Verdict};

/// A COMMIT that landed is told as one.
pub async fn a_commit_that_landed_is_found<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    if !cut(trial, Cut::AnswerLost) {
        return Ok(());
    }
    assert_eq!(trial.succeed(execution, "done").await, Ok(()));
    trial.was_committed("done").await;
    Ok(())
}

/// A COMMIT that never arrived is told as one, and the key is free.
pub async fn a_commit_that_never_arrived_frees_the_key<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    if !cut(trial, Cut::NeverArrives) {
        return Ok(());
    }
    let undone = trial.succeed(execution, "cut").await;
    let rolled_back = matches!(undone, Err(Undone::RolledBack { .. }));
    assert!(rolled_back, "{undone:?}");
    trial.was_undone("cut").await;
    Ok(())
}

/// A COMMIT that lands after it was given up is waited for, or the key is not free: there is one effect
/// whatever happens, and the client was told the truth.
pub async fn a_commit_that_lands_late_is_waited_for<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    if !cut(trial, Cut::LandsAfter(trial.short())) {
        return Ok(());
    }
    let told = trial.succeed(execution, "late").await;
    trial.retry().await;
    trial.lapse().await;
    let (late, again) = (trial.count("late").await, trial.count("again").await);
    assert!(late + again <= 1, "{late} and {again} effects: {told:?}");
    match told {
        Ok(()) => assert_eq!(late, 1, "its client was told that it is there"),
        Err(Undone::Unknown) => {}
        Err(undone) => assert_eq!(late, 0, "its client was told {undone:?}"),
    }
    Ok(())
}

fn cut<T: TransactionalStore>(trial: &EndingTrial<T>, cut: Cut) -> bool {
    let is_cut = trial.store().cut(cut);
    if !is_cut {
        trial.left_out("a COMMIT has no connection that could be cut");
    }
    is_cut
}
