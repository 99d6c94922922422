//! However a transaction ends, its connection is free for the next.

use idem_core::{Headers, MemoryStore, Response, Verdict as KeyVerdict};

use crate::{
    EndingTrial, TransactionalStore, Verdict,
    ending_trial::{engine, executes, keep},
    sample::LONG,
};

/// More than a pool has; see [`TransactionalStore`].
const ROUNDS: usize = 16;

/// One that was committed gives its connection back.
pub async fn one_that_was_committed_gives_it_back<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    for _ in 0..ROUNDS {
        // Each of these is another request.
        let trial = trial.another_key();
        let execution = trial.execution().await;
        assert_eq!(trial.succeed(execution, "done").await, Ok(()));
    }
    Ok(())
}

/// One that was rolled back gives its connection back.
pub async fn one_that_was_rolled_back_gives_it_back<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    for _ in 0..ROUNDS {
        let execution = trial.execution().await;
        let ended = trial.end(execution, "failed", KeyVerdict::Free).await;
        assert_eq!(ended, Ok(()));
    }
    Ok(())
}

/// One that was dropped gives its connection back.
pub async fn one_that_was_dropped_gives_it_back<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let work = async {
        for _ in 0..ROUNDS {
            drop(trial.begun(&current, "dropped").await);
        }
        (keep("done"), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    Ok(())
}

/// One that was handed over to an execution that is dropped gives its connection back.
pub async fn one_whose_execution_was_dropped_gives_it_back<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    for _ in 0..ROUNDS {
        let trial = trial.another_key();
        let execution = trial.execution().await;
        trial.order(execution.current(), "dropped").await;
        drop(execution);
    }
    Ok(())
}

/// One that lost its lease gives its connection back.
pub async fn one_that_was_lost_gives_it_back<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let lease = trial.execution().await.travel();
    let resume = || trial.idempotency().resume(lease.clone());
    let done = || Response::new(201, Headers::default(), "done".into());
    for _ in 0..ROUNDS {
        let delivered = resume();
        trial.order(delivered.current(), "done").await;
        let completed = delivered.complete(done()).await;
        let _ = completed.expect("the store answers");
    }
    trial.was_committed("done").await;
    Ok(())
}

/// One that was refused where it began takes no connection.
pub async fn one_that_was_refused_takes_none<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let elsewhere = engine(MemoryStore::new(), LONG);
    let refused = executes(trial.request(&elsewhere, LONG.into()).await);
    for _ in 0..ROUNDS {
        assert!(trial.store().begin(refused.current()).await.is_err());
    }
    let execution = trial.execution().await;
    assert_eq!(trial.succeed(execution, "done").await, Ok(()));
    trial.was_committed("done").await;
    Ok(())
}
