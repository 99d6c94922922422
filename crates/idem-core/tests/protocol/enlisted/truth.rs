//! What must hold of effects, records and answers in each state of an enlisted world.

use crate::{
    enlisted::ending::{Told, Transaction},
    properties::{Goal, Property, Seen},
    state::State,
    store::Slot,
};

impl State {
    pub(crate) fn check_truth(&self, seen: &mut Seen) {
        if let Slot::Completed(owner, _) = self.slot {
            let has_effect = self.requests.iter().any(|request| {
                request.token == owner && request.ending.transaction == Transaction::Committed
            });
            let one = has_effect && self.history.effects == 1;
            seen.require(Property::KeptHasOneEffect, one);
        } else {
            seen.require(Property::EffectIsKept, self.history.effects == 0);
        }
        for request in &self.requests {
            let committed = request.ending.transaction == Transaction::Committed;
            match request.ending.told {
                Told::Own => seen.require(Property::ToldOnlyWhatWasDone, committed),
                Told::Undone | Told::Failed => seen.require(Property::UndoneIsFinal, !committed),
                Told::Unknown => {
                    seen.reach(Goal::UnknownAndLanded, committed);
                    let undone = request.ending.transaction == Transaction::RolledBack;
                    seen.reach(Goal::UnknownAndUndone, undone);
                }
                Told::Nothing | Told::Replay | Told::Refused => {}
            }
        }
    }

    /// Checks what an execution begins beside.
    pub(crate) fn check_alone(&self, number: usize, seen: &mut Seen) {
        let others = self.requests.iter().enumerate();
        for (_, other) in others.filter(|(other, _)| *other != number) {
            let excused = self.history.crashed || self.history.overrun;
            seen.require(
                Property::AloneWithoutFault,
                excused || !other.ending.is_open(),
            );
            seen.reach(Goal::ExecutedBesideAnOpenOne, other.ending.is_open());
            let told = other.ending.told;
            seen.reach(Goal::ExecutedAfterUnknown, told == Told::Unknown);
            seen.reach(Goal::ExecutedAfterUndone, told == Told::Undone);
        }
    }
}
