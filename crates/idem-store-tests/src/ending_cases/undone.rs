//! What does not end well leaves nothing.

use std::sync::Arc;

use idem_core::{Undone, Verdict as KeyVerdict};

use crate::{EndingTrial, TransactionalStore, Verdict, ending_trial::keep};

/// An execution that frees its key leaves no effect.
pub async fn a_failure_leaves_nothing<T: TransactionalStore>(trial: &EndingTrial<T>) -> Verdict {
    let execution = trial.execution().await;
    let ended = trial.end(execution, "failed", KeyVerdict::Free).await;
    assert_eq!(ended, Ok(()));
    trial.was_undone("failed").await;
    Ok(())
}

/// The rollback has ended when the execution has: a retry finds no lock of it.
pub async fn the_rollback_has_ended_before_the_key_is_free<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let work = async {
        let transaction = trial.begun(&current, "failed").await;
        // A store that never saw one open would pass in any case.
        if let Some(open) = trial.store().open_transactions().await {
            assert_eq!(open, 1, "a transaction is open");
        }
        trial.hand_over(transaction).await;
        (KeyVerdict::Free, ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    match trial.store().open_transactions().await {
        Some(open) => assert_eq!(open, 0, "a transaction is open, and its key is free"),
        None => trial.left_out("nobody knows which transactions are open"),
    }
    trial.was_undone("failed").await;
    Ok(())
}

/// A panic after the transaction was handed over leaves no effect, and a free key.
pub async fn a_panic_leaves_nothing<T: TransactionalStore>(trial: &EndingTrial<T>) -> Verdict {
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let (store, effect) = (Arc::clone(trial.store()), trial.effect("panicked"));
    let panicking = tokio::spawn(execution.run(async move {
        let mut transaction = store.begin(&current).await.expect("it can begin");
        store.write(&mut transaction, &effect).await;
        let handed_over = store.hand_over(transaction).await;
        handed_over.expect("its execution runs");
        planted_panic()
    }));
    let ended = panicking.await;
    assert!(ended.is_err_and(|error| error.is_panic()));
    trial.was_undone("panicked").await;
    Ok(())
}

/// A transaction that is dropped instead of handed over leaves no effect; the response is recorded.
pub async fn one_that_is_dropped_leaves_nothing<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let work = async {
        drop(trial.begun(&current, "dropped").await);
        (keep("done"), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    assert_eq!(trial.retry().await, "done");
    assert_eq!(trial.count("dropped").await, 0);
    Ok(())
}

/// An execution that is dropped with its transaction leaves no effect.
pub async fn an_execution_that_is_dropped_leaves_nothing<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.short_execution().await?;
    trial.order(execution.current(), "dropped").await;
    drop(execution);
    trial.lapse().await;
    trial.was_undone("dropped").await;
    Ok(())
}

/// A statement failed and the handler went on: nothing is committed, and the key is free.
pub async fn a_statement_that_failed_commits_nothing<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let mut failed = false;
    let work = async {
        let mut transaction = trial.begun(&current, "failed").await;
        failed = trial.store().fail(&mut transaction).await;
        trial.hand_over(transaction).await;
        (keep("failed"), ())
    };
    let ended = execution.run(work).await;
    if !failed {
        trial.left_out("no statement fails in a way that takes the transaction with it");
        return Ok(());
    }
    assert!(matches!(ended, Err(Undone::RolledBack { .. })), "{ended:?}");
    trial.was_undone("failed").await;
    Ok(())
}

fn planted_panic() -> (KeyVerdict, ()) {
    panic!("planted, to see what it leaves")
}
