//! Which steps requests, network and time can take.

use crate::{
    enlisted::Wire,
    request::{Phase, Request},
    state::{REQUESTS, State},
    store::{Asked, Flaw, Slot, Token},
};

/// How often what happens more than once may happen: 3 times at most, and 2 for asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How often a claim is sent, with the same token.
    pub(crate) asks: u8,
    /// How often a completion is sent.
    pub(crate) tries: u8,
    /// How many renewals an execution sends.
    pub(crate) renewals: u8,
    /// How many servers crash.
    pub(crate) crashes: u8,
    /// How often a retention ends.
    pub(crate) retentions: u8,
    /// How many clients disconnect.
    pub(crate) disconnects: u8,
}

/// Where the effect of a handler is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effects {
    /// It is there when the handler returns, and the record follows.
    Apart,
    /// It is in one transaction with the record.
    Enlisted {
        /// How often a queue delivers a lease again.
        deliveries: u8,
    },
}

/// A world to explore.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) bounds: Bounds,
    /// What each request asks for.
    pub(crate) asked: [Asked; REQUESTS],
    pub(crate) effects: Effects,
    pub(crate) flaw: Option<Flaw>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A request sends its claim.
    Start(usize),
    Land(usize, Message),
    /// The answer to a claim arrives.
    Receive(usize),
    /// The server waits no longer for a reply.
    GiveUpWaiting(usize),
    SendRenewal(usize),
    /// The handler has its effect and returns; the completion is sent.
    Succeed(usize),
    /// The handler returns what is not kept; the release is sent, or the rollback before it.
    Fail(usize),
    /// The lease of the first is delivered again, to the second.
    Deliver(usize, usize),
    /// The database rolls a transaction back by itself.
    TransactionDies(usize),
    Crash(usize),
    Disconnect(usize),
    LeaseRunsOut,
    RetentionEnds,
}

/// What is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Claim {
        ask: u8,
    },
    /// The second step of a claim that takes two.
    Write {
        ask: u8,
    },
    Renewal,
    Complete {
        replied: bool,
    },
    Release,
    Ending(Wire),
}

impl Model {
    pub(crate) fn start(&self) -> State {
        State::new(self.bounds.renewals)
    }

    /// All steps that a state can take.
    pub(crate) fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, request) in state.requests.iter().enumerate() {
            self.actions_of(state, number, request, actions);
        }
        match state.slot {
            Slot::Pending(..) if !self.has(Flaw::LeaseWithoutEnd) => {
                actions.push(Action::LeaseRunsOut);
            }
            Slot::Completed(..) if state.retentions < self.bounds.retentions => {
                actions.push(Action::RetentionEnds);
            }
            _ => {}
        }
    }

    fn actions_of(
        &self,
        state: &State,
        number: usize,
        request: &Request,
        actions: &mut Vec<Action>,
    ) {
        match request.phase {
            Phase::Idle => {
                actions.push(Action::Start(number));
                self.deliveries_to(state, number, actions);
            }
            Phase::Claiming { .. } => {
                actions.push(Action::GiveUpWaiting(number));
                if request.answer.is_some() {
                    actions.push(Action::Receive(number));
                }
            }
            Phase::Running => {
                actions.extend([Action::Succeed(number), Action::Fail(number)]);
                if request.may_renew > 0 {
                    actions.push(Action::SendRenewal(number));
                }
            }
            Phase::Completing { .. }
            | Phase::ResponseRules
            | Phase::Committing
            | Phase::Undoing { .. }
            | Phase::Releasing { .. }
            | Phase::LookingUp { .. } => actions.push(Action::GiveUpWaiting(number)),
            Phase::Ended | Phase::Unrecorded | Phase::Crashed { .. } => {}
        }
        if !request.is_over() {
            if state.crashes < self.bounds.crashes {
                actions.push(Action::Crash(number));
            }
            if state.disconnects < self.bounds.disconnects && !request.disconnected {
                actions.push(Action::Disconnect(number));
            }
        }
        self.landings_of(state, number, request, actions);
        self.wires_of(state, number, actions);
    }

    fn deliveries_to(&self, state: &State, to: usize, actions: &mut Vec<Action>) {
        let Effects::Enlisted { deliveries } = self.effects else {
            return;
        };
        if state.deliveries < deliveries {
            let from = (0..REQUESTS).filter(|&from| self.may_deliver(state, from));
            actions.extend(from.map(|from| Action::Deliver(from, to)));
        }
    }

    fn landings_of(
        &self,
        state: &State,
        number: usize,
        request: &Request,
        actions: &mut Vec<Action>,
    ) {
        let mut land = |message| actions.push(Action::Land(number, message));
        for ask in 0..self.bounds.asks {
            if request.claims & 1 << ask != 0 && self.may_claim(state) {
                land(Message::Claim { ask });
            }
            if request.writes & 1 << ask != 0 {
                land(Message::Write { ask });
            }
        }
        if request.renewals > 0 {
            land(Message::Renewal);
        }
        if request.completes > 0 {
            land(Message::Complete { replied: false });
            if matches!(request.phase, Phase::Completing { .. }) {
                land(Message::Complete { replied: true });
            }
        }
        if request.release && self.may_release(state, number) {
            land(Message::Release);
        }
    }

    /// The token that an ask carries.
    pub(crate) fn token(&self, number: usize, ask: u8) -> Token {
        Token {
            request: number as u8,
            ask: if self.has(Flaw::FreshToken) { ask } else { 0 },
        }
    }

    pub(crate) fn is_enlisted(&self) -> bool {
        self.effects != Effects::Apart
    }

    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}
