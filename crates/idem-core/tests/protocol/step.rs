//! What each step does, and what it shows.

use idem_core::{
    Refusal,
    adapter::{Decision, decide},
    store::{Claim, Fenced, Outcome},
};

use crate::{
    enlisted::{Ending, Told, Transaction},
    model::{Action, Effects, Message, Model},
    properties::{Goal, Property, Seen},
    request::{Answer, Phase, Request},
    state::State,
    store::{Flaw, Slot, identity, outcome},
};

impl Model {
    /// Takes a step, and tells what it showed.
    pub(crate) fn step(&self, before: &State, action: Action) -> (State, Seen) {
        let mut state = *before;
        let mut seen = Seen::default();
        match action {
            Action::Start(number) => self.ask(&mut state.requests[number], 1),
            Action::Land(number, message) => self.land(&mut state, number, message, &mut seen),
            Action::Receive(number) => self.receive(&mut state, number, &mut seen),
            Action::GiveUpWaiting(number) => self.give_up(&mut state, number, &mut seen),
            Action::SendRenewal(number) => {
                let request = &mut state.requests[number];
                request.may_renew -= 1;
                request.renewals += 1;
            }
            Action::Succeed(number) if self.is_enlisted() => self.keep(&mut state.requests[number]),
            Action::Succeed(number) => {
                state.take_effect(&mut seen);
                let request = &mut state.requests[number];
                request.phase = Phase::Completing { tries: 1 };
                request.may_renew = 0;
                request.completes = 1;
            }
            Action::Fail(number) if self.is_enlisted() => self.free(&mut state.requests[number]),
            Action::Fail(number) => {
                let request = &mut state.requests[number];
                request.end(Phase::Ended);
                request.release = true;
            }
            Action::Crash(number) => {
                let request = &mut state.requests[number];
                let executing = request.is_at_stake();
                request.end(Phase::Crashed { executing });
                state.crashes += 1;
                state.history.crashed |= executing;
            }
            Action::Disconnect(number) => {
                state.disconnects += 1;
                state.requests[number].disconnected = true;
                let running = state.requests[number].phase == Phase::Running;
                if running && self.has(Flaw::DisconnectCancels) {
                    // It is dropped where it stands: behind its effect, before its response.
                    state.take_effect(&mut seen);
                    state.requests[number].end(Phase::Ended);
                    state.requests[number].release = true;
                }
            }
            Action::Deliver(from, to) => self.deliver(&mut state, from, to),
            Action::TransactionDies(number) => {
                let ending = &mut state.requests[number].ending;
                ending.finish(Transaction::RolledBack);
            }
            Action::LeaseRunsOut => self.lease_runs_out(&mut state),
            Action::RetentionEnds => {
                if let Slot::Completed(recorder, _) = state.slot {
                    state.end_doubts(recorder);
                }
                state.slot = Slot::Absent;
                state.retentions += 1;
                state.history.recorder = None;
                state.history.effects = 0;
            }
        }
        if self.is_enlisted() {
            state.requests.iter_mut().for_each(Request::forget);
            state.check_truth(&mut seen);
        }
        self.check(before, &state, action, &mut seen);
        (state, seen)
    }

    fn ask(&self, request: &mut Request, asks: u8) {
        request.phase = Phase::Claiming { asks };
        request.claims |= 1 << (asks - 1);
        request.answer = None;
    }

    fn land(&self, state: &mut State, number: usize, message: Message, seen: &mut Seen) {
        let asked = self.asked[number];
        let request = &mut state.requests[number];
        let token = request.token;
        let slot = &mut state.slot;
        match message {
            Message::Claim { ask } => {
                request.claims &= !(1 << ask);
                if self.has(Flaw::ClaimInTwoSteps) && *slot == Slot::Absent {
                    request.writes |= 1 << ask;
                } else {
                    let found = *slot;
                    if found == Slot::Absent && self.has(Flaw::TakeoverDoesNotWait) {
                        state.unlock();
                    }
                    let slot = &mut state.slot;
                    let token = self.token(number, ask);
                    let claim = slot.claim(token, asked, self.flaw);
                    self.answer(state, number, ask, found, &claim, seen);
                }
            }
            Message::Write { ask } => {
                request.writes &= !(1 << ask);
                *slot = Slot::Pending(self.token(number, ask), asked);
                self.answer(state, number, ask, Slot::Absent, &Claim::Owned, seen);
            }
            Message::Renewal => {
                request.renewals -= 1;
                let renewed = slot.renew(token, asked, self.flaw);
                seen.reach(Goal::RenewalHeld, renewed == Fenced::Held);
                seen.reach(Goal::LateRenewalIsLost, renewed == Fenced::Lost);
            }
            Message::Complete { replied } => {
                request.completes -= 1;
                let found = *slot;
                let completed = slot.complete(token, asked, self.flaw);
                if replied {
                    request.end(Phase::Ended);
                }
                state.completed(token, found, completed, seen);
            }
            Message::Release => {
                // Nobody hears its answer.
                let _ = self.release(state, number, seen);
            }
            Message::Ending(wire) => self.land_ending(state, number, wire, seen),
        }
    }

    pub(crate) fn release(&self, state: &mut State, number: usize, seen: &mut Seen) -> Fenced {
        let request = &mut state.requests[number];
        request.release = false;
        let released = state.slot.release(request.token, self.flaw);
        seen.reach(Goal::LateReleaseIsLost, released == Fenced::Lost);
        let ended = released == Fenced::Lost || !request.ending.is_open();
        seen.require(Property::UndoneWhenFreed, ended);
        state.history.leases &= !(1 << request.token.request);
        if self.has(Flaw::FreedOnUnknown) {
            state.unlock();
        }
        released
    }

    /// Sends the answer to a claim on its way.
    fn answer(
        &self,
        state: &mut State,
        number: usize,
        ask: u8,
        found: Slot,
        claim: &Claim,
        seen: &mut Seen,
    ) {
        let asked = self.asked[number];
        let request = &mut state.requests[number];
        if *claim == Claim::Owned {
            request.granted = true;
            state.history.leases |= 1 << number;
            let asked_again = found != Slot::Absent && request.waits_for(ask);
            seen.reach(Goal::OwnedOnAskingAgain, asked_again);
            seen.reach(
                Goal::OrphanedLease,
                found == Slot::Absent && request.is_over(),
            );
        }
        let decision = decide(&identity(asked), claim, Option::unwrap_or_default);
        if let Slot::Pending(_, recorded) | Slot::Completed(_, recorded) = found {
            seen.require(
                Property::OtherFingerprintRefused,
                recorded == asked || decision == Decision::Refuse(Refusal::Mismatch),
            );
        }
        let waits = request.waits_for(ask);
        let duplicate = |told| match self.effects {
            Effects::Apart => Answer::Duplicate(Told::Nothing),
            Effects::Enlisted { .. } => Answer::Duplicate(told),
        };
        let mut answer = duplicate(Told::Refused);
        match decision {
            Decision::Execute => answer = Answer::Execute,
            Decision::Replay(response) => {
                answer = duplicate(Told::Replay);
                let recorded = state.history.recorder.map(outcome);
                seen.require(
                    Property::ReplayIsRecorded,
                    recorded == Some(Outcome::Response(response)),
                );
                seen.reach(Goal::Replayed, waits);
            }
            Decision::Refuse(Refusal::InProgress { .. }) => {
                let own = matches!(found, Slot::Pending(owner, _) if owner.request == number as u8);
                seen.require(Property::NotRefusedByItself, !(own && waits));
                seen.reach(Goal::RefusedInProgress, waits);
            }
            Decision::Refuse(Refusal::Mismatch) => seen.reach(Goal::RefusedAsMismatch, waits),
            other @ Decision::Refuse(_) => unreachable!("no record of the model means {other:?}"),
        }
        if waits {
            request.answer = Some(answer);
        }
    }

    fn receive(&self, state: &mut State, number: usize, seen: &mut Seen) {
        let request = &mut state.requests[number];
        let answer = request.answer.expect("an answer is on its way");
        let Phase::Claiming { asks } = request.phase else {
            unreachable!("only a claim is answered");
        };
        match answer {
            Answer::Execute => {
                request.answer = None;
                self.execute(state, number, asks, seen);
            }
            Answer::Duplicate(told) => request.tell(told),
        }
    }

    fn execute(&self, state: &mut State, number: usize, asks: u8, seen: &mut Seen) {
        let request = &mut state.requests[number];
        request.phase = Phase::Running;
        request.token = self.token(number, asks - 1);
        if self.is_enlisted() {
            request.ending = Ending::BEGUN;
        }
        let leases = state.history.leases;
        seen.require(Property::NoExecutionUnclaimed, request.granted);
        let own = 1 << number;
        seen.require(Property::ExecutionInOwnLease, leases & own != 0);
        seen.require(Property::NoExecutionInAnothersLease, leases & !own == 0);
        if let Slot::Pending(_, recorded) | Slot::Completed(_, recorded) = state.slot {
            seen.require(
                Property::OtherFingerprintRefused,
                recorded == self.asked[number],
            );
        }
        state.check_alone(number, seen);
        let crashed = Phase::Crashed { executing: true };
        let is_takeover = state.requests.iter().any(|other| other.phase == crashed);
        seen.reach(Goal::TakeoverAfterCrash, is_takeover);
        seen.reach(Goal::ExecutedAfterRetention, state.retentions > 0);
    }

    fn give_up(&self, state: &mut State, number: usize, seen: &mut Seen) {
        let request = &mut state.requests[number];
        match request.phase {
            Phase::Claiming { asks } if self.has(Flaw::ExecuteUnasked) => {
                request.answer = None;
                self.execute(state, number, asks, seen);
            }
            Phase::Claiming { asks } if asks < self.bounds.asks => self.ask(request, asks + 1),
            Phase::Claiming { .. } => request.end(Phase::Ended),
            Phase::Completing { .. } if self.has(Flaw::ReleaseAfterComplete) => {
                request.end(Phase::Ended);
                request.release = true;
            }
            Phase::Completing { tries } if tries < self.bounds.tries => {
                request.phase = Phase::Completing { tries: tries + 1 };
                request.completes += 1;
            }
            Phase::Completing { .. } => request.end(Phase::Unrecorded),
            _ => self.give_up_ending(request, seen),
        }
    }

    fn lease_runs_out(&self, state: &mut State) {
        let Slot::Pending(owner, _) = state.slot else {
            unreachable!("a lease runs");
        };
        state.slot = Slot::Absent;
        state.history.leases &= !(1 << owner.request);
        let request = &mut state.requests[usize::from(owner.request)];
        if request.is_at_stake() || request.ending.is_open() {
            state.history.overrun = true;
        }
        let claiming = matches!(request.phase, Phase::Claiming { .. });
        if claiming && !self.has(Flaw::WaitPastLease) {
            // All asks together are waited for less long than the lease, counted from the first.
            request.end(Phase::Ended);
        }
    }

    fn check(&self, before: &State, state: &State, action: Action, seen: &mut Seen) {
        if let Slot::Completed(..) = before.slot {
            let stands = state.slot == before.slot || action == Action::RetentionEnds;
            seen.require(Property::OneRecorder, stands);
        }
        if let (Slot::Absent, Slot::Pending(..)) = (before.slot, state.slot) {
            let claims = matches!(
                action,
                Action::Land(_, Message::Claim { .. } | Message::Write { .. })
            );
            seen.require(Property::LeaseBeginsByClaim, claims);
        }
        if state.requests.iter().all(Request::is_over) {
            seen.require(Property::NeverStuck, self.comes_free(state));
        }
    }

    /// Whether the passing of time alone leaves nobody's lease on the key.
    fn comes_free(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        !matches!(state.slot, Slot::Pending(..)) || actions.contains(&Action::LeaseRunsOut)
    }
}
