//! The fence: what comes too late changes nothing.

use idem_core::{
    Headers, Response, Resumed, Undone, Verdict as KeyVerdict, adapter::Begin, store::Fenced,
};

use tokio::sync::Barrier;

use crate::{
    EndingTrial, TransactionalStore, Verdict,
    ending_trial::{executes, keep},
    sample::LONG,
};

/// Somebody took over: neither effect nor record is written, and the other's lease stands.
pub async fn after_a_takeover_nothing_is_written<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let late = trial.short_execution().await?;
    trial.lapse().await;
    let next = trial.execution().await;
    let undone = trial.succeed(late, "late").await;
    assert!(matches!(undone, Err(Undone::Lost(Some(_)))), "{undone:?}");
    assert_eq!(trial.count("late").await, 0);

    assert_eq!(trial.succeed(next, "next").await, Ok(()));
    trial.was_committed("next").await;
    assert_eq!(trial.count("late").await, 0);
    Ok(())
}

/// Somebody took over and completed: neither effect nor record is written, and theirs stand.
pub async fn after_anothers_completion_nothing_is_written<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let late = trial.short_execution().await?;
    trial.lapse().await;
    let next = trial.execution().await;
    assert_eq!(trial.succeed(next, "next").await, Ok(()));
    let undone = trial.succeed(late, "late").await;
    assert!(matches!(undone, Err(Undone::Lost(Some(_)))), "{undone:?}");
    assert_eq!(trial.count("late").await, 0);
    trial.was_committed("next").await;
    Ok(())
}

/// Somebody takes over while the transaction is open: neither effect nor record is written.
pub async fn a_takeover_during_the_transaction_is_seen<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    if trial.store().has_one_writer() {
        trial.left_out("nobody else can write while a transaction is open");
        return Ok(());
    }
    let late = trial.short_execution().await?;
    let current = late.current().clone();
    let mut next = None;
    let work = async {
        let transaction = trial.begun(&current, "late").await;
        trial.lapse().await;
        next = Some(trial.execution().await);
        trial.hand_over(transaction).await;
        (keep("late"), ())
    };
    let undone = late.run(work).await;
    assert!(matches!(undone, Err(Undone::Lost(Some(_)))), "{undone:?}");
    assert_eq!(trial.count("late").await, 0);
    let next = next.expect("it took over");
    assert_eq!(trial.succeed(next, "next").await, Ok(()));
    trial.was_committed("next").await;
    Ok(())
}

/// A lease that a queue delivers twice commits once: the second transaction is lost, although the record
/// there is its own owner's.
pub async fn a_lease_that_comes_again_commits_nothing<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let lease = trial.execution().await.travel();
    let resume = || trial.idempotency().resume(lease.clone());
    let done = Response::new(201, Headers::default(), "done".into());

    let first = resume();
    trial.order(first.current(), "done").await;
    assert_eq!(first.complete(done.clone()).await.ok(), Some(Fenced::Held));

    let second = resume();
    trial.order(second.current(), "done").await;
    assert_eq!(second.complete(done).await.ok(), Some(Fenced::Lost));
    trial.was_committed("done").await;
    Ok(())
}

/// Of two deliveries of a lease that work at the same time one commits.
pub async fn of_two_deliveries_at_once_one_commits<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let lease = trial.execution().await.travel();
    let both_renewed = Barrier::new(2);
    let deliver = async || {
        let delivered = trial.idempotency().resume(lease.clone());
        let current = delivered.current().clone();
        let work = async {
            both_renewed.wait().await;
            trial.order(&current, "done").await;
            (keep("done"), ())
        };
        delivered.run(work).await.expect("the store answers")
    };
    let (one, other) = tokio::join!(deliver(), deliver());
    let ended = [&one, &other]
        .into_iter()
        .filter(|resumed| matches!(resumed, Resumed::Ended(())));
    assert_eq!(ended.count(), 1, "{one:?}, {other:?}");
    trial.was_committed("done").await;
    Ok(())
}

/// What a failed execution releases is its own alone.
pub async fn a_failure_frees_nothing_of_who_took_over<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let late = trial.short_execution().await?;
    trial.lapse().await;
    let next = trial.execution().await;
    let ended = trial.end(late, "late", KeyVerdict::Free).await;
    assert_eq!(ended, Ok(()));
    let duplicate = trial.request(trial.idempotency(), LONG.into()).await;
    assert!(matches!(duplicate, Begin::Refused(_)), "{duplicate:?}");
    assert_eq!(trial.succeed(next, "next").await, Ok(()));
    assert_eq!(trial.count("late").await, 0);
    Ok(())
}

/// The key was freed and taken, and the late transaction finds the next lease there.
pub async fn after_a_release_and_a_claim_nothing_is_written<T: TransactionalStore>(
    trial: &EndingTrial<T>,
) -> Verdict {
    let lease = trial.execution().await.travel();
    let resume = || trial.idempotency().resume(lease.clone());
    assert_eq!(resume().release().await.ok(), Some(Fenced::Held));
    let next = executes(trial.request(trial.idempotency(), LONG.into()).await);
    let late = resume();
    trial.order(late.current(), "late").await;
    let done = Response::new(201, Headers::default(), "late".into());
    assert_eq!(late.complete(done).await.ok(), Some(Fenced::Lost));
    assert_eq!(trial.count("late").await, 0);
    assert_eq!(trial.succeed(next, "next").await, Ok(()));
    trial.was_committed("next").await;
    Ok(())
}
