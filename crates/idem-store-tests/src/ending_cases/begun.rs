//! Where a transaction can begin.

use idem_core::{MemoryStore, Verdict as KeyVerdict};

use crate::{
    EndingTrial, TransactionalStore, Verdict,
    ending_trial::{engine, executes, keep},
    sample::LONG,
};

/// An execution on another store is ended there: the transaction is refused, and nothing is done.
pub async fn in_an_execution_on_another_store_it_is_refused<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let elsewhere = engine(MemoryStore::new(), LONG);
    let execution = executes(trial.request(&elsewhere, LONG.into()).await);
    let begun = trial.store().begin(execution.current()).await;
    assert!(begun.is_err(), "it began in another store's execution");
    let _ = execution.run(async { (KeyVerdict::Free, ()) }).await;
    Ok(())
}

/// Another client of the same data is the same store.
pub async fn another_client_is_the_same_store<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let other = trial.store().another().await;
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let work = async {
        let mut transaction = other.begin(&current).await.expect("it is the same store");
        other.write(&mut transaction, &trial.effect("done")).await;
        let handed_over = other.hand_over(transaction).await;
        handed_over.expect("it is the same store");
        (keep("done"), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    trial.was_committed("done").await;
    Ok(())
}

/// An execution has one ending: a second transaction is refused until the first is dropped.
pub async fn a_second_one_is_refused_until_the_first_is_dropped<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let work = async {
        let first = trial.begun(&current, "dropped").await;
        assert!(trial.store().begin(&current).await.is_err(), "a second");
        drop(first);
        trial.order(&current, "done").await;
        assert!(trial.store().begin(&current).await.is_err(), "a third");
        (keep("done"), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    trial.was_committed("done").await;
    assert_eq!(trial.count("dropped").await, 0);
    Ok(())
}

/// A transaction that is handed over after its handler returned is refused, and rolled back.
pub async fn one_that_comes_after_the_end_is_refused<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    if trial.store().has_one_writer() {
        // The end would wait for it.
        return Ok(());
    }
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let mut late = None;
    let work = async {
        late = Some(trial.begun(&current, "late").await);
        (keep("done"), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    let late = late.expect("the work has run");
    assert!(trial.store().hand_over(late).await.is_err());
    assert_eq!(trial.count("late").await, 0);
    assert_eq!(trial.retry().await, "done");
    Ok(())
}
