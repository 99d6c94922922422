//! What may land of an ending, and what waits for a transaction.

use crate::{
    enlisted::Transaction,
    model::{Action, Message, Model},
    request::Phase,
    state::State,
    store::{Flaw, Slot},
};

/// A message of an ending. If it is not `replied`, nobody hears the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// The completing statement, in the handler's transaction.
    Record {
        replied: bool,
    },
    Commit {
        replied: bool,
    },
    Rollback {
        replied: bool,
    },
    /// The release, whose answer is heard.
    Release,
    LookUp,
}

impl Model {
    /// What may land of an ending.
    pub(crate) fn wires_of(&self, state: &State, number: usize, actions: &mut Vec<Action>) {
        let request = &state.requests[number];
        let ending = &request.ending;
        let mut land = |wire| actions.push(Action::Land(number, Message::Ending(wire)));
        if ending.record && !state.is_locked_for(number) {
            land(Wire::Record { replied: false });
            if request.phase == Phase::ResponseRules {
                land(Wire::Record { replied: true });
            }
        }
        // A connection delivers in order.
        if ending.commit && !ending.record {
            land(Wire::Commit { replied: false });
            if matches!(request.phase, Phase::Committing | Phase::Undoing { .. }) {
                land(Wire::Commit { replied: true });
            }
        }
        if ending.rollback && !ending.record {
            land(Wire::Rollback { replied: false });
            if matches!(request.phase, Phase::Undoing { .. }) {
                land(Wire::Rollback { replied: true });
            }
        }
        match request.phase {
            Phase::Releasing { .. } if request.release && self.may_release(state, number) => {
                land(Wire::Release);
            }
            Phase::LookingUp { .. } => land(Wire::LookUp),
            _ => {}
        }
        if ending.is_open() {
            actions.push(Action::TransactionDies(number));
        }
    }

    /// Whether a claim need not wait for a transaction.
    pub(crate) fn may_claim(&self, state: &State) -> bool {
        state.slot != Slot::Absent || !state.is_locked() || self.has(Flaw::TakeoverDoesNotWait)
    }

    /// Whether a release need not wait for a transaction. It waits only for a row that it would
    /// free.
    pub(crate) fn may_release(&self, state: &State, number: usize) -> bool {
        let foreign = match state.slot {
            Slot::Absent => false,
            Slot::Pending(owner, _) => owner != state.requests[number].token,
            Slot::Completed(..) => true,
        };
        let lapsed = state.slot == Slot::Absent && self.has(Flaw::QuestionMissesLapsed);
        foreign || lapsed || !state.is_locked() || self.has(Flaw::FreedOnUnknown)
    }

    /// Whether another delivery of a request's lease would find that it holds.
    pub(crate) fn may_deliver(&self, state: &State, from: usize) -> bool {
        let request = &state.requests[from];
        let executed = request.ending.transaction != Transaction::None;
        executed && matches!(state.slot, Slot::Pending(owner, _) if owner == request.token)
    }
}

impl State {
    fn is_locked(&self) -> bool {
        self.requests.iter().any(|request| request.ending.locks)
    }

    fn is_locked_for(&self, number: usize) -> bool {
        let others = self.requests.iter().enumerate();
        others
            .filter(|(other, _)| *other != number)
            .any(|(_, request)| request.ending.locks)
    }
}
