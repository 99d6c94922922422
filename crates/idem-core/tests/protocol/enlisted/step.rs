//! What the steps of an enlisted ending do.

use idem_core::store::Fenced;

use crate::{
    enlisted::{Ending, Told, Transaction, Wire},
    model::Model,
    properties::{Goal, Property, Seen},
    request::{Phase, Request},
    state::State,
    store::{Flaw, Slot, Token},
};

impl Model {
    /// The handler returns a response that is kept.
    pub(crate) fn keep(&self, request: &mut Request) {
        request.may_renew = 0;
        if self.has(Flaw::RecordOutside) {
            request.phase = Phase::Committing;
            request.ending.commit = true;
        } else {
            request.phase = Phase::ResponseRules;
            request.ending.record = true;
        }
    }

    /// The handler returns a response that is not kept.
    pub(crate) fn free(&self, request: &mut Request) {
        request.may_renew = 0;
        if self.has(Flaw::EffectKeptOnFree) {
            request.phase = Phase::Undoing { failed: true };
            request.ending.commit = true;
        } else {
            self.undo(request, true);
        }
    }

    fn undo(&self, request: &mut Request, failed: bool) {
        request.ending.rollback = true;
        request.phase = Phase::Undoing { failed };
        if self.has(Flaw::ReleaseBeforeRollback) {
            request.undone(failed);
        }
    }

    pub(crate) fn land_ending(
        &self,
        state: &mut State,
        number: usize,
        wire: Wire,
        seen: &mut Seen,
    ) {
        match wire {
            Wire::Record { replied } => self.record(state, number, replied, seen),
            Wire::Commit { replied } => self.commit(state, number, replied, seen),
            Wire::Rollback { replied } => {
                let request = &mut state.requests[number];
                request.ending.rollback = false;
                if request.ending.is_open() {
                    request.ending.finish(Transaction::RolledBack);
                }
                if let (true, Phase::Undoing { failed }) = (replied, request.phase) {
                    request.undone(failed);
                }
            }
            Wire::Release => {
                let Phase::Releasing { doubt } = state.requests[number].phase else {
                    unreachable!("the answer to a release is waited for");
                };
                let released = self.release(state, number, seen);
                let request = &mut state.requests[number];
                if released == Fenced::Held {
                    seen.reach(Goal::FoundUndone, doubt);
                    request.tell(Told::Undone);
                } else {
                    request.phase = Phase::LookingUp { doubt };
                }
            }
            Wire::LookUp => self.look_up(state, number, seen),
        }
    }

    /// The completing statement has its turn at the row, and judges it as it is now.
    fn record(&self, state: &mut State, number: usize, replied: bool, seen: &mut Seen) {
        let asked = self.asked[number];
        let mut slot = state.slot;
        let request = &mut state.requests[number];
        let token = request.token;
        request.ending.record = false;
        let alive = request.ending.is_open();
        let fenced = match state.slot {
            // Another delivery of this lease was recorded: this effect would be the second.
            Slot::Completed(owner, _)
                if owner == token && !self.has(Flaw::OwnRecordLetsThrough) =>
            {
                Fenced::Lost
            }
            _ => slot.complete(token, asked, self.flaw),
        };
        let held = alive && fenced == Fenced::Held;
        if alive {
            seen.require(
                Property::DoneIsRemembered,
                held || state.slot != Slot::Absent,
            );
            request.ending.transaction = Transaction::Open { recorded: held };
            request.ending.locks = !self.has(Flaw::FenceWithoutLock);
        }
        if !replied {
            return;
        }
        if held || alive && self.has(Flaw::CommitAlthoughLost) {
            if self.has(Flaw::OwnAnswerBeforeCommit) {
                request.tell(Told::Own);
            } else {
                request.phase = Phase::Committing;
            }
            request.ending.commit = true;
        } else if alive && self.has(Flaw::OwnAnswerAfterLost) {
            request.tell(Told::Own);
            request.ending.rollback = true;
        } else {
            self.undo(request, false);
        }
    }

    fn commit(&self, state: &mut State, number: usize, replied: bool, seen: &mut Seen) {
        state.requests[number].ending.commit = false;
        state.commit(number, self.asked[number], seen);
        let request = &mut state.requests[number];
        let committed = request.ending.transaction == Transaction::Committed;
        if !replied {
            return;
        }
        match request.phase {
            Phase::Undoing { failed } => request.undone(failed),
            _ if committed && self.has(Flaw::RecordOutside) => {
                request.phase = Phase::Completing { tries: 1 };
                request.completes = 1;
            }
            _ if committed => request.tell(Told::Own),
            // COMMIT itself failed.
            _ => request.undone(false),
        }
    }

    fn look_up(&self, state: &mut State, number: usize, seen: &mut Seen) {
        let slot = state.slot;
        let request = &mut state.requests[number];
        let Phase::LookingUp { doubt } = request.phase else {
            unreachable!("a look-up is waited for");
        };
        let told = match slot {
            Slot::Completed(owner, _) => {
                seen.reach(Goal::FoundLanded, doubt && owner == request.token);
                seen.reach(Goal::LostAndReplayed, owner != request.token);
                Told::Replay
            }
            Slot::Pending(owner, _) if owner != request.token => {
                seen.reach(Goal::LostAndInProgress, true);
                Told::Refused
            }
            Slot::Pending(..) if doubt && self.has(Flaw::QuestionByRead) => {
                request.release = true;
                Told::Undone
            }
            // The transaction has ended, because the release waited for it.
            _ => Told::Undone,
        };
        request.tell(told);
    }

    /// The server waits no longer for a reply.
    pub(crate) fn give_up_ending(&self, request: &mut Request, seen: &mut Seen) {
        match request.phase {
            Phase::ResponseRules => self.undo(request, false),
            Phase::Committing if self.has(Flaw::FreedOnUnknown) => {
                request.tell(Told::Unknown);
                request.release = true;
            }
            Phase::Committing if self.has(Flaw::QuestionByRead) => {
                request.phase = Phase::LookingUp { doubt: true };
            }
            Phase::Committing => {
                request.phase = Phase::Releasing { doubt: true };
                request.release = true;
            }
            Phase::Undoing { failed } if self.has(Flaw::ReleaseUnheard) => request.undone(failed),
            Phase::Undoing { failed: true } => request.tell(Told::Failed),
            Phase::Releasing { doubt: true } | Phase::LookingUp { doubt: true } => {
                seen.reach(Goal::ToldUnknown, true);
                let own = self.has(Flaw::OwnAnswerOnUnknown);
                request.tell(if own { Told::Own } else { Told::Unknown });
            }
            Phase::Undoing { .. } | Phase::Releasing { .. } | Phase::LookingUp { .. } => {
                request.tell(Told::Undone);
            }
            phase => unreachable!("nothing is waited for in {phase:?}"),
        }
    }

    /// A queue delivers a lease again, and the worker's renewal says that it holds.
    pub(crate) fn deliver(&self, state: &mut State, from: usize, to: usize) {
        let token = state.requests[from].token;
        let request = &mut state.requests[to];
        request.token = token;
        request.phase = Phase::Running;
        request.ending = Ending::BEGUN;
        request.granted = true;
        state.deliveries += 1;
        // Two executions of one lease.
        state.history.overrun = true;
    }
}

impl State {
    /// Gives up the doubts about a record's COMMIT, because its retention ends.
    pub(crate) fn end_doubts(&mut self, recorder: Token) {
        for request in &mut self.requests {
            let doubt = matches!(
                request.phase,
                Phase::Committing
                    | Phase::Releasing { doubt: true }
                    | Phase::LookingUp { doubt: true }
            );
            if doubt && request.token == recorder {
                request.tell(Told::Unknown);
            }
        }
    }

    /// Takes the row's lock away, as only a flaw does.
    pub(crate) fn unlock(&mut self) {
        for request in &mut self.requests {
            request.ending.locks = false;
        }
    }

    /// COMMIT lands and makes effect and record visible, unless the transaction has ended.
    fn commit(&mut self, number: usize, asked: u8, seen: &mut Seen) {
        let request = &mut self.requests[number];
        let Transaction::Open { recorded } = request.ending.transaction else {
            return;
        };
        let token = request.token;
        request.ending.finish(Transaction::Committed);
        self.take_effect(seen);
        seen.require(Property::OneEffect, self.history.effects == 1);
        let unknown = |request: &Request| request.ending.told == Told::Unknown;
        seen.require(
            Property::OneEffectAfterUnknown,
            self.history.effects == 1 || !self.requests.iter().any(unknown),
        );
        if recorded {
            let found = self.slot;
            seen.require(Property::FenceHoldsUntilCommit, found.yields_to(token));
            self.slot = Slot::Completed(token, asked);
            self.completed(token, found, Fenced::Held, seen);
        }
    }
}

impl Slot {
    /// Whether a record of this owner may take the place of what stands here.
    fn yields_to(self, token: Token) -> bool {
        matches!(self, Self::Absent) || matches!(self, Self::Pending(owner, _) if owner == token)
    }
}

impl Request {
    /// The transaction has ended without an effect, so the release is sent.
    fn undone(&mut self, failed: bool) {
        self.release = true;
        if failed {
            self.tell(Told::Failed);
        } else {
            self.phase = Phase::Releasing { doubt: false };
        }
    }

    /// Answers the client, which ends it.
    pub(crate) fn tell(&mut self, told: Told) {
        self.end(Phase::Ended);
        self.ending.told = told;
    }

    /// Forgets messages to a transaction that has ended, unless a reply is waited for. They change
    /// nothing, and each would double the states.
    pub(crate) fn forget(&mut self) {
        let ending = &mut self.ending;
        if !ending.is_open() {
            let undoing = matches!(self.phase, Phase::Undoing { .. });
            ending.record &= self.phase == Phase::ResponseRules;
            ending.commit &= undoing || self.phase == Phase::Committing;
            ending.rollback &= undoing;
        }
    }
}
