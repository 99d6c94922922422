//! The ways in which the reference store's transactions can be wrong, one at a time.

/// A defect; each is one that somebody has written, or was about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The effect is committed, and then the record is written.
    RecordOutsideTheTransaction,
    /// The record is written whoever has the key.
    NoFence,
    /// The fence judges the row as it was at BEGIN.
    FenceOfBegin,
    /// COMMIT is sent although the fence let nothing through.
    CommitsAlthoughLost,
    /// The fence lets through what its own owner has completed.
    OwnRecordIsLetThrough,
    /// A lease that ran out is lost, although nobody took over.
    NeedsALiveLease,
    /// The time of the record is that of BEGIN.
    NowOfBegin,
    /// Each write is committed by itself.
    EffectsCommitAtOnce,
    /// Responses are told to be too large.
    LosesTheResponse,
    /// Where no response is kept, no record is written.
    TombstonesAreLeftOut,

    /// A COMMIT whose answer is lost is told to have failed.
    FreedOnUnknown,
    /// A COMMIT whose answer is lost is told to have landed.
    UnknownIsCommitted,
    /// The question does not wait for the row.
    QuestionDoesNotWait,

    /// ROLLBACK commits.
    RollBackKeepsTheEffect,
    /// ROLLBACK is sent, and not waited for.
    RollBackIsNotAwaited,
    /// What is dropped is committed.
    DropCommits,
    /// A statement that failed takes nothing with it.
    FailuresAreSwallowed,
    /// A release frees whatever is pending.
    ReleaseIsNotFenced,

    /// Where the execution has no place for a transaction, it begins all the same, outside.
    RefusalsAreIgnored,
    /// One that comes too late is committed by itself.
    LateOnesCommit,
    /// Each client is a store of its own.
    ClientsHaveIdentities,

    CommitLeaks,
    LostLeaks,
    RollBackLeaks,
    DropLeaks,
    RefusalLeaks,
}
