//! One request at its server, and what it has on the wire.

use crate::{
    enlisted::{Ending, Told},
    store::Token,
};

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Idle,
    /// It waits for the answer to its latest ask.
    Claiming {
        asks: u8,
    },
    /// The handler runs.
    Running,
    /// The handler had its effect, and its response is to be recorded.
    Completing {
        tries: u8,
    },
    /// The completing statement was sent in the handler's transaction.
    ResponseRules,
    /// COMMIT was sent.
    Committing,
    /// ROLLBACK was sent, because the handler failed or its response cannot be kept.
    Undoing {
        failed: bool,
    },
    /// The release was sent, as the question if COMMIT is in doubt.
    Releasing {
        doubt: bool,
    },
    /// The release found nothing of its own, and what a duplicate gets now is looked up.
    LookingUp {
        doubt: bool,
    },
    /// It was answered, and nothing of it is left to record.
    Ended,
    /// It was answered, and nobody knows whether its response is recorded.
    Unrecorded,
    Crashed {
        executing: bool,
    },
}

/// What a request will make of the answer to its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Execute,
    /// A replay or a refusal. Only enlisted worlds tell the two apart.
    Duplicate(Told),
}

/// A request, with its messages that have not landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) phase: Phase,
    /// The token that it executes under.
    pub(crate) token: Token,
    /// A bit for each ask that has not landed.
    pub(crate) claims: u8,
    /// A bit for each ask that found the key absent and has yet to write.
    pub(crate) writes: u8,
    /// The answer to the latest ask, on its way.
    pub(crate) answer: Option<Answer>,
    pub(crate) may_renew: u8,
    pub(crate) renewals: u8,
    pub(crate) completes: u8,
    pub(crate) release: bool,
    /// Whether the store ever granted its claim.
    pub(crate) granted: bool,
    pub(crate) disconnected: bool,
    /// Its transaction and its answer, where effect and record are one commit.
    pub(crate) ending: Ending,
}

impl Request {
    pub(crate) fn new(number: u8, renewals: u8) -> Self {
        Self {
            phase: Phase::Idle,
            token: Token {
                request: number,
                ask: 0,
            },
            claims: 0,
            writes: 0,
            answer: None,
            may_renew: renewals,
            renewals: 0,
            completes: 0,
            release: false,
            granted: false,
            disconnected: false,
            ending: Ending::NONE,
        }
    }

    /// Whether the answer to an ask would still be heard.
    pub(crate) fn waits_for(&self, ask: u8) -> bool {
        matches!(self.phase, Phase::Claiming { asks } if asks == ask + 1)
    }

    /// Whether it executes, or executed without knowing that it is recorded.
    pub(crate) fn is_at_stake(&self) -> bool {
        matches!(
            self.phase,
            Phase::Running
                | Phase::Completing { .. }
                | Phase::ResponseRules
                | Phase::Committing
                | Phase::Undoing { .. }
                | Phase::Releasing { .. }
                | Phase::LookingUp { .. }
                | Phase::Unrecorded
        )
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(
            self.phase,
            Phase::Idle | Phase::Ended | Phase::Unrecorded | Phase::Crashed { .. }
        )
    }

    /// A number that is another for each state, whatever the request's own number is.
    pub(crate) fn code(&self) -> u64 {
        let phase = match self.phase {
            Phase::Idle => 0,
            Phase::Running => 1,
            Phase::Ended => 2,
            Phase::Unrecorded => 3,
            Phase::Crashed { executing } => 4 + u64::from(executing),
            Phase::Claiming { asks } => 16 + u64::from(asks),
            Phase::Completing { tries } => 32 + u64::from(tries),
            Phase::ResponseRules => 6,
            Phase::Committing => 7,
            Phase::Undoing { failed } => 8 + u64::from(failed),
            Phase::Releasing { doubt } => 10 + u64::from(doubt),
            Phase::LookingUp { doubt } => 12 + u64::from(doubt),
        };
        let answer = match self.answer {
            None => 0,
            Some(Answer::Execute) => 1,
            Some(Answer::Duplicate(told)) => 2 + told as u64,
        };
        let flags = [self.release, self.granted, self.disconnected]
            .iter()
            .fold(0, |flags, &flag| flags << 1 | u64::from(flag));
        let counts = [
            self.token.ask,
            self.claims,
            self.writes,
            self.may_renew,
            self.renewals,
            self.completes,
        ];
        let counts = counts
            .iter()
            .fold(0, |code, &count| code << 2 | u64::from(count));
        (((phase << 12 | counts) << 4 | answer) << 3 | flags) << 16 | self.ending.code()
    }

    /// Ends it; from here on its server does nothing more, but messages may still land.
    pub(crate) fn end(&mut self, phase: Phase) {
        self.phase = phase;
        self.answer = None;
        self.may_renew = 0;
        // Nobody tells these apart any more; a state less for each.
        self.granted = true;
    }
}
