//! The ways in which the reference store can break the contract, one at a time.

/// A defect; each is one that somebody has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Defect {
    /// The claim inserts, then reads what stands there, and does not know its own.
    ClaimFindsItself,
    /// The claim looks, awaits, and then inserts.
    ClaimIsNotAtomic,
    /// The claim is atomic by a lock in the client, which another client does not see.
    ClaimLocksTheClientAlone,
    /// The owner that asks again is refused.
    ClaimRefusesItsOwner,
    /// The owner that asks again has the lease anew.
    ClaimAgainExtends,
    /// A refused claim sets the record's end all the same.
    RefusedClaimSetsTheEnd,
    /// A duplicate of the same request passes for its owner.
    ClaimComparesTheRequestAlone,
    /// Half of the key is its name.
    KeysAreCutShort,
    /// The owner may claim its own result again.
    ClaimReopensAResult,
    /// What remains of a lease is told to be all of it.
    RemainingIsNeverLess,

    /// Anybody completes a pending record.
    CompleteIsNotFenced,
    /// The fence looks, awaits, and then writes.
    CompleteIsNotAtomic,
    /// The completion deletes, awaits, and then writes.
    CompleteLeavesAGap,
    /// What is absent cannot be completed.
    CompleteNeedsALease,
    /// The second completion replaces the first.
    CompleteOverwrites,
    /// The second completion lets the retention run anew.
    CompleteAgainRestartsRetention,
    /// The second completion is told that it lost.
    CompleteAgainIsLost,

    /// Anybody releases a pending record.
    ReleaseIsNotFenced,
    /// The fence looks, awaits, and then deletes.
    ReleaseIsNotAtomic,
    /// The fence compares the whole lease with the one that was claimed.
    ReleaseComparesTheDuration,
    /// The owner releases its result as well.
    ReleaseUndoesCompletion,
    /// Releasing what is absent is held.
    ReleaseOfNothingIsHeld,
    /// The release is answered and not done.
    ReleaseDoesNothing,

    /// Anybody renews a pending record.
    RenewIsNotFenced,
    /// The renewal is answered and not done.
    RenewDoesNothing,
    /// A lease that ran out, and that nobody took over, is renewed.
    RenewResurrects,
    /// The renewal of an absent key takes it.
    RenewTakesWhatIsAbsent,
    /// The renewal by whoever completed prolongs the result.
    RenewProlongsAResult,

    /// Whoever looks at an absent key takes it.
    LookUpTakesTheKey,
    /// Whoever looks lets what stands there run anew.
    LookUpSetsTheEnd,
    /// What ran out is seen until somebody claims the key.
    LookUpShowsWhatRanOut,
    /// What is released is seen as it was.
    LookUpShowsWhatWasReleased,
    /// What is pending is not seen.
    LookUpShowsResultsAlone,
    /// Results are not seen.
    LookUpShowsLeasesAlone,

    /// Leases never run out.
    LeasesNeverEnd,
    /// Results never run out.
    ResultsNeverEnd,
    /// What ran out is there until the next sweep.
    UnsweptIsSeen,
    /// What runs out is there for an instant more.
    EndsAnInstantLate,
    /// What runs out is there for 150 ms more.
    EndsLate,
    /// What is to run out runs out before its time.
    EndsEarly,
    /// The retention counts from the claim.
    RetentionCountsFromTheClaim,
    /// The result goes when the lease would have.
    ResultsEndWithTheirLease,
    /// A takeover has the end of the lease before it.
    TakeoverEndsAtOnce,

    /// The fence is who claimed, which the client remembers, and not the owner token.
    LeasesBelongToTheirClient,
    /// Half of the token is the owner.
    OwnersAreCutShort,
    /// A renewal runs for as long as the claim asked.
    RenewKeepsTheFirstDuration,
    /// The fence of a renewal compares the duration, too.
    RenewComparesTheDuration,
    /// The fence of a completion compares the duration, too.
    CompleteComparesTheDuration,

    /// The result has no fingerprint.
    CompletionLosesTheFingerprint,
    /// The result has no credentials.
    CompletionLosesTheCredentials,
    /// The result has another owner.
    CompletionLosesTheOwner,
    /// The lease has no credentials.
    ClaimLosesTheCredentials,
    /// Bodies are made UTF-8.
    BodiesAreText,
    /// Bodies end after 64 KiB.
    BodiesAreCutShort,
    /// An empty body becomes `null`.
    EmptyBodiesAreNull,
    /// The status is one of those known.
    UnknownStatusIs500,
    /// Headers are sorted by name.
    HeadersAreSorted,
    /// Each header comes once.
    HeadersAreDeduplicated,
    /// Header names are made lower case.
    HeaderNamesAreLowerCase,
    /// Header values are made UTF-8.
    HeaderValuesAreText,
    /// No more than 100 headers come back.
    HeadersAreCounted,
    /// Why a response was not kept is forgotten.
    ReasonsAreLost,

    /// The oldest record makes room for a new one.
    EvictsTheOldest,
    /// The store takes half of what it says.
    TakesLessThanItSays,
    /// A response that is too large is cut to what fits.
    TooLargeIsCut,
    /// That a response is too large is told as something else.
    TooLargeIsRejected,
    /// What is too large takes the lease with it.
    TooLargeFreesTheKey,
    /// The capacity is what is free.
    CapacityIsWhatIsFree,

    /// An error whose write landed denies it.
    LandedIsDenied,
    /// An error tells another operation.
    ErrorsNameTheWrongOperation,
}
