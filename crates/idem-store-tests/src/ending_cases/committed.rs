//! Effect and record appear together.

use idem_core::{
    Verdict as KeyVerdict,
    adapter::Begin,
    store::{NotKept, Outcome},
};
use tokio::time::Instant;

use crate::{
    EndingTrial, TooSlow, TransactionalStore, Verdict,
    ending_trial::{engine, executes, keep},
    sample::{self, LONG},
};

/// Nothing is seen before the execution has ended, and both are seen then.
pub async fn effect_and_record_appear_together<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let work = async {
        trial.order(&current, "done").await;
        assert_eq!(trial.count("done").await, 0, "it is not committed yet");
        let duplicate = trial.request(trial.idempotency(), LONG.into()).await;
        assert!(matches!(duplicate, Begin::Refused(_)), "{duplicate:?}");
        (keep("done"), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    trial.was_committed("done").await;
    Ok(())
}

/// The response comes back as it was.
pub async fn the_response_comes_back<T: TransactionalStore>(trial: &EndingTrial<T>) -> Verdict {
    let execution = trial.execution().await;
    let outcome = sample::outcome();
    let kept = KeyVerdict::Keep(outcome.clone());
    assert_eq!(trial.end(execution, "done", kept).await, Ok(()));
    let Begin::Replay(response) = trial.request(trial.idempotency(), LONG.into()).await else {
        panic!("it is recorded");
    };
    assert_eq!(Outcome::Response(response), outcome);
    Ok(())
}

/// Why a response is not kept is committed with the effect as well.
pub async fn a_response_that_is_not_kept_is_committed<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.execution().await;
    let not_kept = KeyVerdict::Keep(NotKept::Stream.into());
    assert_eq!(trial.end(execution, "done", not_kept).await, Ok(()));
    assert_eq!(trial.count("done").await, 1);
    assert_eq!(trial.retry().await, "idempotency-response-not-kept");
    Ok(())
}

/// The lease ran out and nobody took over: effect and record are both committed.
pub async fn a_lease_that_ran_out_commits_if_nobody_took_over<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let execution = trial.short_execution().await?;
    trial.lapse().await;
    assert_eq!(trial.succeed(execution, "done").await, Ok(()));
    trial.was_committed("done").await;
    Ok(())
}

/// The retention counts from the statement that completes, and not from the beginning of its transaction.
pub async fn retention_counts_from_the_end<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let idempotency = engine(trial.store().store(), trial.short());
    let execution = executes(trial.request(&idempotency, LONG.into()).await);
    let current = execution.current().clone();
    let mut ends = Instant::now();
    let work = async {
        let transaction = trial.begun(&current, "done").await;
        trial.lapse().await;
        trial.hand_over(transaction).await;
        ends = Instant::now() + trial.short();
        (keep("done"), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    let found = trial.retry().await;
    if Instant::now() >= ends {
        return Err(TooSlow);
    }
    assert_eq!(found, "done", "the record is kept from its end on");
    trial.lapse().await;
    assert_eq!(trial.retry().await, "executed", "and no longer");
    Ok(())
}
