//! What the properties remember of effects and records.

use idem_core::store::Fenced;

use crate::{
    properties::{Goal, Property, Seen},
    state::State,
    store::{Slot, Token},
};

/// What the properties must remember; no step depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    /// Whose completion was the first held in this retention.
    pub(crate) recorder: Option<Token>,
    /// The requests whose lease runs, by their own account: a bit for each.
    pub(crate) leases: u8,
    /// How many executions had their effect in this retention; 2 stands for more.
    pub(crate) effects: u8,
    /// Whether an executing server crashed.
    pub(crate) crashed: bool,
    /// Whether a lease ran out before its execution was recorded.
    pub(crate) overrun: bool,
}

impl State {
    pub(crate) fn take_effect(&mut self, seen: &mut Seen) {
        let history = &mut self.history;
        history.effects = (history.effects + 1).min(2);
        if history.effects == 2 {
            seen.require(
                Property::OneEffectWithoutFault,
                history.crashed || history.overrun,
            );
            seen.reach(
                Goal::DuplicateAfterCrash,
                history.crashed && !history.overrun,
            );
            seen.reach(
                Goal::DuplicateAfterOverrun,
                history.overrun && !history.crashed,
            );
        }
    }

    pub(crate) fn completed(&mut self, token: Token, found: Slot, fenced: Fenced, seen: &mut Seen) {
        self.history.leases &= !(1 << token.request);
        let absent = found == Slot::Absent;
        if fenced == Fenced::Lost {
            seen.require(Property::DoneIsRemembered, !absent);
            seen.reach(Goal::LateCompleteIsLost, true);
            return;
        }
        let recorder = *self.history.recorder.get_or_insert(token);
        seen.require(Property::OneRecorder, recorder == token);
        seen.reach(
            Goal::RepeatedCompleteIsHeld,
            matches!(found, Slot::Completed(..)),
        );
        seen.reach(Goal::LateCompleteLandsOnAbsent, absent);
        seen.reach(
            Goal::RecordedAgainAfterRetention,
            absent && self.retentions > 0,
        );
    }
}
