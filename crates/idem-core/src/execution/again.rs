//! Work whose transaction may fail because of others, run again under the same lease.

use std::{future::Future, panic::resume_unwind, pin::pin};

use crate::{
    contract::{Commit, RolledBack},
    events::Event,
    execution::{Ended, Execution, Ran, Undone, Verdict},
};

/// How often such work runs at most.
const TIMES: u32 = 3;

impl Execution {
    /// As `run_pinned`, and again if the work says that this can help, or if its transaction does.
    ///
    /// It runs again only after the rollback is known to have ended, and before anything else was sent for its
    /// key: never once a COMMIT may have landed.
    pub(crate) async fn run_again<R, F>(&mut self, mut work: impl FnMut() -> F) -> Ran<R>
    where
        F: Future<Output = (bool, Verdict, R)>,
    {
        let mut left = TIMES;
        loop {
            left -= 1;
            // Called in there, so that a panic of the closure itself frees the key too.
            let running = async { work().await };
            let worked = self.request().work_under_renewal(pin!(running)).await;
            let (again, verdict, result) = match worked {
                Ok(worked) => worked,
                Err(panic) => {
                    self.end_by_panic().await;
                    resume_unwind(panic)
                }
            };
            let ended = match (left, again) {
                (0, _) => self.end(verdict).await,
                (_, true) => match self.undo().await {
                    Ok(()) => continue,
                    Err(undone) => Ended::Undone(Box::new(undone)),
                },
                (_, false) => match self.try_to_commit(verdict).await {
                    Some(ended) => ended,
                    None => continue,
                },
            };
            return Ran { result, ended };
        }
    }

    /// Rolls back what was handed over, if anything was, before the work runs again.
    async fn undo(&self) -> Result<(), Undone> {
        match self.request().state().take_enlisted() {
            Some(ending) => self.request().undo(ending).await,
            None => Ok(()),
        }
    }

    /// Ends the execution, unless its transaction failed in a way that running it again can help: `None`.
    async fn try_to_commit(&mut self, verdict: Verdict) -> Option<Ended> {
        let Some(outcome) = self.kept(verdict.clone()) else {
            return Some(self.end(verdict).await);
        };
        let request = self.request();
        let Some(ending) = request.state().take_enlisted() else {
            return Some(self.end(verdict).await);
        };
        match request.commit(ending, &outcome).await {
            Ok(Commit::RolledBack(why)) if can_run_again(&why) => {
                request.report(&Event::RolledBack(why.cause()));
                None
            }
            commit => Some(Ended::of(request.settle(commit).await)),
        }
    }
}

fn can_run_again(why: &RolledBack) -> bool {
    why.can_retry() && why.is_heard() && why.answer().is_none()
}
