//! What must always hold, and what must be seen to happen.

/// What holds in each state and on each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Property {
    /// Within one retention one execution is recorded, and what is recorded does not change.
    OneRecorder,
    /// An execution starts only after the store granted its claim.
    NoExecutionUnclaimed,
    /// An execution starts while its own lease runs.
    ExecutionInOwnLease,
    /// No execution starts while another's lease runs.
    NoExecutionInAnothersLease,
    /// A replay is what was recorded, so that all replays within one retention are equal.
    ReplayIsRecorded,
    /// Another fingerprint neither replays nor executes while a record is live.
    OtherFingerprintRefused,
    /// One execution has its effect within one retention, if no server crashed and no lease ran
    /// out before the execution that it was for was recorded.
    OneEffectWithoutFault,
    /// When all is done, the key gets free or completed by the passing of time alone.
    NeverStuck,
    /// A request is not refused because of a lease that it took itself.
    NotRefusedByItself,
    /// A lease that ran out or was released stands again through a claim alone.
    LeaseBeginsByClaim,
    /// A completion that finds the key absent is recorded.
    DoneIsRemembered,
}

/// What can happen: a model in which it cannot would prove little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Goal {
    Replayed,
    RefusedInProgress,
    RefusedAsMismatch,
    /// A claim landed, its reply was lost or late, and asking again told that it was owned.
    OwnedOnAskingAgain,
    /// A claim landed after its sender had given up or crashed, and took the key.
    OrphanedLease,
    TakeoverAfterCrash,
    LateCompleteLandsOnAbsent,
    LateCompleteIsLost,
    RepeatedCompleteIsHeld,
    RenewalHeld,
    LateRenewalIsLost,
    LateReleaseIsLost,
    /// What the design owns up to in its section 10.
    DuplicateAfterCrash,
    DuplicateAfterOverrun,
    /// A record of which the retention had ended was followed by another execution.
    ExecutedAfterRetention,
    /// A completion that was long on its way landed on a key that had lived on without it.
    RecordedAgainAfterRetention,
}

impl Goal {
    pub(crate) const ALL: [Self; 16] = [
        Self::Replayed,
        Self::RefusedInProgress,
        Self::RefusedAsMismatch,
        Self::OwnedOnAskingAgain,
        Self::OrphanedLease,
        Self::TakeoverAfterCrash,
        Self::LateCompleteLandsOnAbsent,
        Self::LateCompleteIsLost,
        Self::RepeatedCompleteIsHeld,
        Self::RenewalHeld,
        Self::LateRenewalIsLost,
        Self::LateReleaseIsLost,
        Self::DuplicateAfterCrash,
        Self::DuplicateAfterOverrun,
        Self::ExecutedAfterRetention,
        Self::RecordedAgainAfterRetention,
    ];
}

/// What one step showed.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) broken: Vec<Property>,
    pub(crate) reached: Vec<Goal>,
}

impl Seen {
    pub(crate) fn require(&mut self, property: Property, holds: bool) {
        if !holds {
            self.broken.push(property);
        }
    }

    pub(crate) fn reach(&mut self, goal: Goal, reached: bool) {
        if reached {
            self.reached.push(goal);
        }
    }
}
