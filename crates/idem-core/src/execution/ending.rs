//! The end of an execution whose effect and record are committed together: the table of outcomes.
//!
//! | what happened | the transaction | the key |
//! |---|---|---|
//! | keep, committed | there, with the record | completed |
//! | keep, certainly not committed; the release after it says `Held` | undone | freed by that release |
//! | … it says `Lost` | undone | somebody else's, untouched |
//! | … it is not answered, or nobody heard that the rollback ended | undone | left to its lease |
//! | keep, nobody knows; the question, which waits for the COMMIT, says `Held` | undone | freed by the question |
//! | … it says `Lost`, and the record there is ours | there, with the record | completed |
//! | … it says `Lost`, and another's record or none is there | undone | somebody else's, untouched |
//! | … it is not answered | unknown | left to its lease |
//! | free, or a panic | undone | freed |
//!
//! What is known here of the lease decides nothing. A release is sent only after the rollback was heard to
//! have ended, and never after a COMMIT: a key that is free while an effect may still appear lets that
//! effect appear twice.
//!
//! An ending bounds itself. One that does not, or that panics, is dropped here, and counts as one that was not
//! answered.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::time::{Instant, timeout};

use crate::{
    calls::caught,
    contract::{
        Commit, Completion, Ending, Fenced, InDoubt, Operation, RolledBack, StoreError,
        StoreErrorKind, WriteEffect,
    },
    events::{End, Event},
    execution::{Ended, keyed::KeyedRequest},
    record::{Outcome, Record, Response, Stored},
};

/// An execution whose transaction did not commit, so that its own result is not the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undone {
    /// Another execution had the lease: the answer is what a duplicate gets now, by the record that is there.
    Lost(Option<Box<Stored>>),
    /// The transaction failed.
    RolledBack {
        /// What the handler itself answers to that.
        answer: Option<Box<Response>>,
        /// Whether trying again can help.
        can_retry: bool,
    },
    /// It could not be found out whether it committed; the key is left to its lease.
    Unknown,
}

const NOT_HEARD: Undone = Undone::RolledBack {
    answer: None,
    can_retry: true,
};

impl KeyedRequest {
    /// Ends the execution with the transaction that was handed over.
    ///
    /// Boxed, for few executions have one, and all would have room for it.
    pub(super) fn end_with(
        &self,
        ending: Box<dyn Ending>,
        kept: Option<Outcome>,
    ) -> Pin<Box<dyn Future<Output = Ended> + Send + '_>> {
        Box::pin(async move {
            let Some(outcome) = kept else {
                return Ended::Said(self.roll_back(ending, End::Freed).await);
            };
            let commit = self.commit(ending, &outcome).await;
            Ended::of(self.settle(commit).await)
        })
    }

    /// What follows from a commit.
    pub(super) async fn settle(
        &self,
        commit: Result<Commit, StoreError>,
    ) -> Result<Fenced, Undone> {
        self.state().end();
        match commit {
            Ok(Commit::Committed) => Ok(self.landed()),
            Ok(Commit::Lost) => Err(self.undone(RolledBack::for_now()).await),
            Ok(Commit::RolledBack(why)) => Err(self.undone(why).await),
            Ok(Commit::Unknown(error, doubt)) => self.ask(&error, &*doubt).await,
            Err(error) => {
                self.report(&Event::InDoubt(&error));
                self.left_to_its_lease(&error);
                Err(Undone::Unknown)
            }
        }
    }

    /// Undoes what the handler did and then frees the key, and tells what the store says to that.
    pub(super) async fn roll_back(
        &self,
        ending: Box<dyn Ending>,
        end: End,
    ) -> Result<Fenced, StoreError> {
        let roll_back = async { ending.roll_back().await };
        match bounded(self.patience(), Operation::Release, roll_back).await {
            Ok(()) => self.release(end).await,
            Err(error) => {
                self.left_to_its_lease(&error);
                Err(error)
            }
        }
    }

    /// What is left of the lease, or the time of a call if that is more. One that is refused at its end
    /// is longer than what was asked for.
    fn patience(&self) -> Duration {
        let left = self.state().deadline().duration_since(Instant::now());
        left.min(self.term().duration()).max(self.call_timeout())
    }

    /// Commits, within what is left of the lease.
    ///
    /// # Errors
    /// Nobody knows, and nobody can be asked.
    pub(super) async fn commit(
        &self,
        ending: Box<dyn Ending>,
        outcome: &Outcome,
    ) -> Result<Commit, StoreError> {
        let retention = self.calls().policy.retention;
        let patience = self.patience();
        let completion = Completion::new(
            self.record_key(),
            self.lease(),
            outcome,
            retention,
            patience,
        );
        // Before it is sent: the record stands for so long at least.
        let until = Instant::now() + retention;
        let commit = async { Ok(ending.commit(completion).await) };
        // It has that time itself, and a little more to say that it is over.
        let time = patience + self.call_timeout();
        let commit = bounded(time, Operation::Complete, commit).await;
        if let Ok(Commit::Committed) = commit {
            self.calls().committed(&completion, until);
        }
        commit
    }

    /// The transaction certainly did not commit. Only the release can tell whose the key is: above READ
    /// COMMITTED a database says "lost" and "failed" with one code.
    async fn undone(&self, why: RolledBack) -> Undone {
        self.report(&Event::RolledBack(why.cause()));
        if !why.is_heard() {
            return NOT_HEARD;
        }
        match self.release(End::RolledBack).await {
            Ok(Fenced::Held) => why.into(),
            Ok(Fenced::Lost) => Undone::Lost(self.found().await.ok().flatten().map(Box::new)),
            // A retry gets what the store knows then.
            Err(_) => NOT_HEARD,
        }
    }

    /// Nobody knows whether the COMMIT landed.
    async fn ask(&self, error: &StoreError, doubt: &dyn InDoubt) -> Result<Fenced, Undone> {
        self.report(&Event::InDoubt(error));
        let mut attempts = self.attempts();
        let answer = loop {
            let question = async { doubt.ask(self.record_key(), self.lease()).await };
            match bounded(self.call_timeout(), Operation::Release, question).await {
                Err(error) if attempts.again(&error).await => {}
                answer => break answer,
            }
        };
        match answer {
            Ok(Fenced::Held) => Err(self.did_not_land(error)),
            Ok(Fenced::Lost) => match self.found().await {
                Ok(Some(found)) if self.is_ours(&found) => Ok(self.landed()),
                // An earlier question may have freed the key, although its answer was lost.
                Ok(None) if attempts.may_have_landed() => Err(self.did_not_land(error)),
                Ok(found) => {
                    self.report(&Event::RolledBack(Some(error)));
                    self.lose(Operation::Complete);
                    Err(Undone::Lost(found.map(Box::new)))
                }
                Err(error) => {
                    self.left_to_its_lease(&error);
                    Err(Undone::Unknown)
                }
            },
            Err(error) => {
                self.left_to_its_lease(&error);
                Err(Undone::Unknown)
            }
        }
    }

    /// The question after a COMMIT in doubt has freed the key.
    fn did_not_land(&self, doubt: &StoreError) -> Undone {
        self.report(&Event::RolledBack(Some(doubt)));
        self.report(&Event::Ended(End::RolledBack));
        RolledBack::for_now().into()
    }

    /// Undoes what the handler did, before its work runs again; nothing else is sent.
    pub(super) async fn undo(&self, ending: Box<dyn Ending>) -> Result<(), Undone> {
        let rolled_back = bounded(self.patience(), Operation::Release, ending.roll_back());
        rolled_back.await.map_err(|error| {
            self.state().end();
            self.left_to_its_lease(&error);
            NOT_HEARD
        })
    }

    fn landed(&self) -> Fenced {
        self.report(&Event::Ended(End::Recorded));
        Fenced::Held
    }

    fn left_to_its_lease(&self, error: &StoreError) {
        self.report(&Event::Unrecorded(error));
    }

    /// What stands under the key now.
    async fn found(&self) -> Result<Option<Stored>, StoreError> {
        let timeout = self.call_timeout();
        self.calls().look_up(self.record_key(), timeout).await
    }

    /// Whether what was found is what this execution recorded. A lease that was delivered may have been
    /// delivered twice, so there its owner proves nothing.
    fn is_ours(&self, found: &Stored) -> bool {
        match found.record() {
            Record::Completed(completed) => {
                self.state().was_claimed_here() && completed.owner() == self.lease().owner()
            }
            Record::Pending(_) | Record::Unreadable => false,
        }
    }
}

/// Waits for an ending no longer than this. It is called inside the future, since it may panic before it
/// has one.
async fn bounded<T>(
    time: Duration,
    operation: Operation,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(time, caught(operation, call))
        .await
        .unwrap_or_else(|elapsed| {
            let error = StoreError::new(operation, StoreErrorKind::Timeout, WriteEffect::Unknown);
            Err(error.with_source(elapsed))
        })
}

impl From<RolledBack> for Undone {
    fn from(why: RolledBack) -> Self {
        Self::RolledBack {
            can_retry: why.can_retry(),
            answer: why.into_answer(),
        }
    }
}
