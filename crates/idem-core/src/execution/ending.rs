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

use std::{future::Future, pin::Pin};

use tokio::time::Instant;

use crate::{
    contract::{Commit, Completion, Ending, Fenced, InDoubt, Operation, RolledBack, StoreError},
    events::{End, Event},
    execution::{Ended, keyed::KeyedRequest},
    record::{Outcome, Record, Response, Stored},
};

/// An execution whose transaction did not commit, so that its own result is not the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undone {
    /// The lease was somebody else's: the answer is what a duplicate gets now, by what stands there.
    Lost(Option<Box<Stored>>),
    /// The transaction failed.
    RolledBack {
        /// What the handler itself answers to that.
        answer: Option<Box<Response>>,
        /// Whether trying again can help.
        can_retry: bool,
    },
    /// Nobody could be asked whether it committed; the key is left to its lease.
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
                self.roll_back(ending, End::Freed).await;
                return Ended::of(Ok(()));
            };
            let commit = self.commit(ending, &outcome).await;
            Ended::of(self.settle(commit).await)
        })
    }

    /// What follows from a commit.
    pub(super) async fn settle(&self, commit: Commit) -> Result<(), Undone> {
        self.state().end();
        match commit {
            Commit::Committed => {
                self.landed();
                Ok(())
            }
            Commit::Lost => Err(self.undone(RolledBack::for_now()).await),
            Commit::RolledBack(why) => Err(self.undone(why).await),
            Commit::Unknown(error, doubt) => self.ask(&error, &*doubt).await,
        }
    }

    /// Undoes what the handler did and then frees the key. What the handler answers holds, whatever the
    /// store says.
    pub(super) async fn roll_back(&self, ending: Box<dyn Ending>, end: End) {
        match ending.roll_back().await {
            // What the store says to it is reported.
            Ok(()) => drop(self.release(end).await),
            Err(error) => self.left_to_its_lease(&error),
        }
    }

    /// Commits, within what is left of the lease.
    pub(super) async fn commit(&self, ending: Box<dyn Ending>, outcome: &Outcome) -> Commit {
        let retention = self.calls().policy.retention_duration();
        let left = self.state().deadline().duration_since(Instant::now());
        let patience = left.max(self.call_timeout());
        let completion = Completion::new(
            self.record_key(),
            self.lease(),
            outcome,
            retention,
            patience,
        );
        ending.commit(completion).await
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
            // It is undone all the same, and who asks again is told what the store knows then.
            Err(_) => Undone::Lost(None),
        }
    }

    /// Nobody knows whether the COMMIT landed.
    async fn ask(&self, error: &StoreError, doubt: &dyn InDoubt) -> Result<(), Undone> {
        self.report(&Event::InDoubt(error));
        let mut attempts = self.attempts();
        let answer = loop {
            match doubt.ask(self.record_key(), self.lease()).await {
                Err(error) if attempts.again(&error).await => {}
                answer => break answer,
            }
        };
        match answer {
            Ok(Fenced::Held) => {
                self.report(&Event::Ended(End::RolledBack));
                Err(RolledBack::for_now().into())
            }
            Ok(Fenced::Lost) => match self.found().await {
                Ok(Some(found)) if self.is_ours(&found) => {
                    self.landed();
                    Ok(())
                }
                // An earlier question may have freed the key, although its answer was lost.
                Ok(None) if attempts.may_have_landed() => {
                    self.report(&Event::Ended(End::RolledBack));
                    Err(RolledBack::for_now().into())
                }
                Ok(found) => {
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

    /// Nobody heard that a rollback ended, so nothing is freed; no COMMIT was sent.
    pub(super) fn not_heard(&self, error: &StoreError) -> Undone {
        self.state().end();
        self.left_to_its_lease(error);
        NOT_HEARD
    }

    fn landed(&self) {
        self.report(&Event::Ended(End::Recorded));
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

impl From<RolledBack> for Undone {
    fn from(why: RolledBack) -> Self {
        Self::RolledBack {
            can_retry: why.can_retry(),
            answer: why.into_answer(),
        }
    }
}
