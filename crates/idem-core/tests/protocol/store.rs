//! The store of the contract, with one key, and stores that break it in one point.

use std::sync::Arc;

use bytes::Bytes;
use idem_core::{
    Headers, Response,
    store::{
        Claim, Completed, Fenced, Fingerprint, Identity, Outcome, OwnerToken, Pending, Record,
    },
};

/// What a request asks for; it stands for the fingerprint.
pub(crate) type Asked = u8;

/// Who holds a lease: a request, and which of its asks where each has a token of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) request: u8,
    pub(crate) ask: u8,
}

/// What stands under the key. The response of a completed record is its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    Absent,
    Pending(Token, Asked),
    Completed(Token, Asked),
}

/// What is wrong with a store or with those who use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A claim reads, and then writes.
    ClaimInTwoSteps,
    /// A completion replaces whatever is there.
    CompleteUnfenced,
    /// A completion does not land on an absent key.
    CompleteNeedsLease,
    /// A release frees whatever is there.
    ReleaseUnfenced,
    /// A renewal takes the lease from whoever holds it.
    RenewUnfenced,
    /// A renewal brings back a lease that ran out.
    RenewResurrects,
    /// A lease never runs out.
    LeaseWithoutEnd,
    /// A completed record carries the fingerprint of whoever asks.
    FingerprintLost,
    /// A completion that may have landed is followed by a release.
    ReleaseAfterComplete,
    /// A claim that may have landed is taken for owned.
    ExecuteUnasked,
    /// A claim that may have landed is asked again with another token.
    FreshToken,
    /// An answer is waited for longer than the lease that it may grant.
    WaitPastLease,
    /// A client that disconnects cancels its handler, and the key is released.
    DisconnectCancels,
    // The rest break an enlisted ending.
    /// The effect commits by itself, and the record follows in a call of its own.
    RecordOutside,
    /// The completing statement judges the row without locking it.
    FenceWithoutLock,
    /// The completing statement accepts a record that its own token has completed.
    OwnRecordLetsThrough,
    /// COMMIT is sent whatever the completing statement said.
    CommitAlthoughLost,
    /// The client of an execution that lost its lease gets the response that was undone.
    OwnAnswerAfterLost,
    /// The client gets the handler's response before COMMIT has landed.
    OwnAnswerBeforeCommit,
    /// The client gets the handler's response although nobody knows whether COMMIT landed.
    OwnAnswerOnUnknown,
    /// The transaction of a handler that failed is committed.
    EffectKeptOnFree,
    /// The release is sent together with ROLLBACK.
    ReleaseBeforeRollback,
    /// The release is sent although nobody heard that ROLLBACK ended.
    ReleaseUnheard,
    /// The key is freed while COMMIT is in doubt, without waiting for the transaction.
    FreedOnUnknown,
    /// After a COMMIT in doubt the record is read, and a pending one is taken for undone.
    QuestionByRead,
    /// A release waits for the transaction that has the row only while the lease runs.
    QuestionMissesLapsed,
    /// A release also frees what its owner has completed.
    ReleaseFreesRecord,
    /// A takeover does not wait for the transaction that has the row.
    TakeoverDoesNotWait,
}

impl Token {
    pub(crate) fn owner(self) -> OwnerToken {
        OwnerToken::from_bytes([self.request << 4 | self.ask; 16])
    }
}

impl Slot {
    pub(crate) fn claim(&mut self, token: Token, asked: Asked, flaw: Option<Flaw>) -> Claim {
        let record = match *self {
            Self::Absent => {
                *self = Self::Pending(token, asked);
                return Claim::Owned;
            }
            Self::Pending(owner, _) if owner == token => return Claim::Owned,
            Self::Pending(owner, asked) => {
                Record::Pending(Pending::new(owner.owner(), identity(asked), None))
            }
            Self::Completed(owner, _) if flaw == Some(Flaw::FingerprintLost) => {
                completed(owner, asked)
            }
            Self::Completed(owner, asked) => completed(owner, asked),
        };
        Claim::Taken(record)
    }

    pub(crate) fn renew(&mut self, token: Token, asked: Asked, flaw: Option<Flaw>) -> Fenced {
        match *self {
            Self::Pending(owner, _) if owner == token => {}
            Self::Absent if flaw == Some(Flaw::RenewResurrects) => {
                *self = Self::Pending(token, asked);
            }
            Self::Pending(..) if flaw == Some(Flaw::RenewUnfenced) => {
                *self = Self::Pending(token, asked);
            }
            _ => return Fenced::Lost,
        }
        Fenced::Held
    }

    pub(crate) fn complete(&mut self, token: Token, asked: Asked, flaw: Option<Flaw>) -> Fenced {
        match *self {
            Self::Pending(owner, _) | Self::Completed(owner, _)
                if owner != token && flaw != Some(Flaw::CompleteUnfenced) =>
            {
                Fenced::Lost
            }
            Self::Absent if flaw == Some(Flaw::CompleteNeedsLease) => Fenced::Lost,
            _ => {
                *self = Self::Completed(token, asked);
                Fenced::Held
            }
        }
    }

    pub(crate) fn release(&mut self, token: Token, flaw: Option<Flaw>) -> Fenced {
        match *self {
            Self::Pending(owner, _) if owner == token => {}
            Self::Pending(..) if flaw == Some(Flaw::ReleaseUnfenced) => {}
            Self::Completed(owner, _)
                if owner == token && flaw == Some(Flaw::ReleaseFreesRecord) => {}
            _ => return Fenced::Lost,
        }
        *self = Self::Absent;
        Fenced::Held
    }
}

fn completed(owner: Token, asked: Asked) -> Record {
    Record::Completed(Completed::new(
        owner.owner(),
        identity(asked),
        outcome(owner),
    ))
}

pub(crate) fn identity(asked: Asked) -> Identity {
    Identity::new(Fingerprint::from_bytes([asked; 32]))
}

/// What the execution under a token ends with: no two are alike.
pub(crate) fn outcome(token: Token) -> Outcome {
    let body = Bytes::copy_from_slice(token.owner().as_bytes());
    Outcome::Response(Arc::new(Response::new(201, Headers::default(), body)))
}
