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
    // The rest are asked where effect and record are one commit, whatever faults there were.
    /// At most one execution has its effect within one retention.
    OneEffect,
    /// That holds after a client was told that nobody knows, so its retry is safe.
    OneEffectAfterUnknown,
    /// A kept response has exactly one effect, made by the owner of the record.
    KeptHasOneEffect,
    /// Every effect has its response on record.
    EffectIsKept,
    /// The record that COMMIT makes visible replaces its owner's lease or nothing.
    FenceHoldsUntilCommit,
    /// A client has the handler's own response only if the effect stands.
    ToldOnlyWhatWasDone,
    /// An effect that a client was told is undone never lands.
    UndoneIsFinal,
    /// An owner frees the key only after its transaction has ended.
    UndoneWhenFreed,
    /// No handler begins beside another's open transaction, unless a server crashed, or a lease
    /// ran out or was delivered twice.
    AloneWithoutFault,
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
    // The rest can happen where effect and record are one commit.
    /// A COMMIT was in doubt, and the question found its record.
    FoundLanded,
    /// A COMMIT was in doubt, and the question found that it was rolled back.
    FoundUndone,
    /// The question was not answered.
    ToldUnknown,
    UnknownAndLanded,
    UnknownAndUndone,
    ExecutedAfterUnknown,
    ExecutedAfterUndone,
    /// An execution that lost its lease was undone, and its client got the new owner's record.
    LostAndReplayed,
    LostAndInProgress,
    /// A takeover began while the transaction of the previous owner was open.
    ExecutedBesideAnOpenOne,
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

    /// What can also happen in enlisted worlds.
    pub(crate) const ENLISTED: [Self; 10] = [
        Self::FoundLanded,
        Self::FoundUndone,
        Self::ToldUnknown,
        Self::UnknownAndLanded,
        Self::UnknownAndUndone,
        Self::ExecutedAfterUnknown,
        Self::ExecutedAfterUndone,
        Self::LostAndReplayed,
        Self::LostAndInProgress,
        Self::ExecutedBesideAnOpenOne,
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
