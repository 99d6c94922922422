//! What a store holds under a record key: a running lease, or the outcome.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    digest::Hex,
    request::{CredentialsDigest, Fingerprint, RequestTag},
};

mod codec;
mod record_key;
mod response;

pub use codec::{DecodeError, decode, encode_completed, encode_pending};
pub use record_key::RecordKey;
pub use response::{Headers, Response};
pub(crate) use response::{STATUSES, is_field};

/// A random 128-bit number that names one holder of a lease.
///
/// Anyone who knows it can complete, renew or release the lease.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OwnerToken([u8; 16]);

impl OwnerToken {
    /// Draws a token from the thread's cryptographic generator.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Takes a token that was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The token itself, to store it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for OwnerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A part tells owners apart in a log, and is too little to act with.
        write!(f, "OwnerToken({}…)", Hex(&self.0[..4]))
    }
}

/// The caller and the request: a duplicate must agree in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    fingerprint: Fingerprint,
    credentials: Option<CredentialsDigest>,
}

impl Identity {
    /// An identity without credentials: the scope identifies the caller.
    #[must_use]
    pub const fn new(fingerprint: Fingerprint) -> Self {
        Self {
            fingerprint,
            credentials: None,
        }
    }

    /// Binds it to the credentials that the request carried, if it carried any.
    #[must_use]
    pub const fn with_credentials(mut self, credentials: Option<CredentialsDigest>) -> Self {
        self.credentials = credentials;
        self
    }

    /// What was asked for.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The credentials of the request, if no scope identifies the caller.
    #[must_use]
    pub const fn credentials(&self) -> Option<&CredentialsDigest> {
        self.credentials.as_ref()
    }
}

/// The right to execute: who holds it, for which request, and for how long at a time.
///
/// Owner and identity are the same from its claim to its end, so that a store may compare them byte
/// for byte; the duration is none of the record's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    owner: OwnerToken,
    identity: Identity,
    duration: Duration,
    durable: bool,
    tag: Option<RequestTag>,
    completion_in_doubt: bool,
}

impl Lease {
    /// A lease with a new owner token.
    #[must_use]
    pub fn new(identity: Identity, duration: Duration) -> Self {
        Self::of_owner(OwnerToken::random(), identity, duration)
    }

    /// A lease of a known owner.
    #[must_use]
    pub const fn of_owner(owner: OwnerToken, identity: Identity, duration: Duration) -> Self {
        Self {
            owner,
            identity,
            duration,
            durable: false,
            tag: None,
            completion_in_doubt: false,
        }
    }

    /// The same lease, of a request with this tag. It stays in the process: it is no part of a record or of a lease
    /// that travels.
    #[must_use]
    pub const fn with_tag(mut self, tag: Option<RequestTag>) -> Self {
        self.tag = tag;
        self
    }

    /// The same lease, which may already have been completed: an earlier completion was not answered, or
    /// another process also bears the lease.
    #[must_use]
    pub const fn completed_perhaps(mut self) -> Self {
        self.completion_in_doubt = true;
        self
    }

    /// The same lease, which a store must not forget in a crash: it is never taken over, so only its holder or
    /// an operator may end it early.
    #[must_use]
    pub const fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// The same lease with another duration.
    pub(crate) const fn lasting(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Who holds it.
    #[must_use]
    pub const fn owner(&self) -> &OwnerToken {
        &self.owner
    }

    /// The request that it was claimed for.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// How long it runs from its claim and from each renewal, on the store's clock.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether each write of the lease must survive a crash of the store, even if the store may forget the last
    /// writes of other leases: its policy [refuses](crate::OnLeaseEnd::Refuse) to take over.
    #[must_use]
    pub const fn is_durable(&self) -> bool {
        self.durable
    }

    /// The exact bytes of the request, for a store that [recalls](crate::store::Recall).
    #[must_use]
    pub const fn tag(&self) -> Option<&RequestTag> {
        self.tag.as_ref()
    }

    /// Whether an earlier completion of it may stand, so that [`Held`](crate::store::Fenced::Held) does not say whose
    /// outcome the record has, nor since when.
    #[must_use]
    pub const fn is_completed_perhaps(&self) -> bool {
        self.completion_in_doubt
    }
}

/// What stands under a record key.
///
/// The enum is complete: a store has only these three cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An execution holds a lease.
    Pending(Pending),
    /// An execution succeeded.
    Completed(Completed),
    /// A record that this version cannot read, because a newer one wrote it.
    Unreadable,
}

/// A record as a [look-up](crate::IdempotencyStore::look_up) finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    record: Record,
    remaining: Option<Duration>,
}

impl Stored {
    /// Describes the record under a key; `remaining` is `None` if the store cannot tell.
    #[must_use]
    pub const fn new(record: Record, remaining: Option<Duration>) -> Self {
        Self { record, remaining }
    }

    /// The record.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// What is left until the key is absent, on the store's clock: of the lease while the record is
    /// pending, and of the retention once it is completed.
    #[must_use]
    pub const fn remaining(&self) -> Option<Duration> {
        self.remaining
    }
}

/// A lease that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    owner: OwnerToken,
    identity: Identity,
    remaining: Option<Duration>,
}

impl Pending {
    /// Describes a running lease; `remaining` is `None` if the store cannot tell cheaply.
    #[must_use]
    pub const fn new(owner: OwnerToken, identity: Identity, remaining: Option<Duration>) -> Self {
        Self {
            owner,
            identity,
            remaining,
        }
    }

    /// Who holds the lease.
    #[must_use]
    pub const fn owner(&self) -> &OwnerToken {
        &self.owner
    }

    /// The request that it was claimed for.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What is left of the lease, if the store can tell.
    #[must_use]
    pub const fn remaining(&self) -> Option<Duration> {
        self.remaining
    }
}

/// An execution that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    owner: OwnerToken,
    identity: Identity,
    outcome: Outcome,
}

impl Completed {
    /// Describes a completed record.
    #[must_use]
    pub const fn new(owner: OwnerToken, identity: Identity, outcome: Outcome) -> Self {
        Self {
            owner,
            identity,
            outcome,
        }
    }

    /// Who completed it.
    #[must_use]
    pub const fn owner(&self) -> &OwnerToken {
        &self.owner
    }

    /// The request that it was claimed for.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The outcome.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

/// What a completed record remembers of the execution.
///
/// The enum is complete: codecs and stores handle each case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The response, to be replayed.
    Response(Arc<Response>),
    /// It was done, but the response was not kept, for this reason.
    NotKept(NotKept),
}

/// Why a response was not kept.
///
/// The enum is complete: codecs and stores handle each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// It was over the limit of the policy or the store.
    TooLarge,
    /// It was a stream, which has no end to wait for, or had trailers.
    Stream,
    /// It was a value that cannot be written as JSON.
    NotSerializable,
}

impl From<Response> for Outcome {
    fn from(response: Response) -> Self {
        Self::Response(Arc::new(response))
    }
}

impl From<NotKept> for Outcome {
    fn from(reason: NotKept) -> Self {
        Self::NotKept(reason)
    }
}
