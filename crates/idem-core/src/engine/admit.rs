//! From a request's head to its lease: whether it is protected, by which key, and what it asks for.

use std::sync::Arc;

use crate::{
    engine::Idempotency,
    execution::{CurrentExecution, KeyedRequest, Watch},
    policy::{LeaseTerm, Refusal},
    record::{Identity, Lease},
    request::{CredentialsDigest, HeadCopy, IdempotencyKey, RequestHead, RequestTag, Scope},
};

/// What the head of a request says.
///
/// The enum is complete: an adapter handles each case.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// The request is none of our business: hand it on as it is.
    PassThrough,
    /// The request must not reach its handler.
    Refused(Refusal),
    /// Read the body, up to [`Policy::max_request_bytes`](crate::Policy::max_request_bytes), and begin.
    Protected(Protected),
}

/// A request whose key is known and whose body is not yet.
#[derive(Debug)]
pub struct Protected {
    request: KeyedRequest,
    head: HeadCopy,
    has_scope: bool,
    term: LeaseTerm,
}

/// A request that can be claimed: its payload was read, and its lease knows what it claims.
#[derive(Debug)]
pub(crate) struct Claimable(KeyedRequest);

impl Protected {
    /// Gives the request a lease of its own in place of the [policy's](crate::Policy::lease).
    ///
    /// It is for what is known of one request alone: a function that is killed at a deadline, or a
    /// route whose crash may block a key for longer than others. No round trip, and no allocation.
    #[must_use]
    pub fn lease(mut self, term: impl Into<LeaseTerm>) -> Self {
        self.term = term.into();
        self
    }

    /// What a [`HandOver`](crate::adapter::HandOver) needs to know of the request.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(self.request.clone())
    }

    pub(super) const fn request(&self) -> &KeyedRequest {
        &self.request
    }

    /// Names the exact bytes of the request.
    pub(super) fn tag(&self, payload: &[u8]) -> RequestTag {
        let counted = &self.request.calls().counted;
        counted.tag(&self.head, self.has_scope, payload)
    }

    /// Says what is asked for, now that the payload is known.
    pub(super) fn claimable(self, payload: &[u8], tag: Option<RequestTag>) -> Claimable {
        let policy = &self.request.calls().policy;
        let (names, salt) = (&policy.credential_headers, self.request.record_key());
        // Many requests carry none.
        let credentials = if !self.has_scope && self.head.has_any(names) {
            CredentialsDigest::of(&self.head, names, salt.as_bytes())
        } else {
            None
        };
        let fingerprint = policy.fingerprint.fingerprint(&self.head, payload);
        let identity = Identity::new(fingerprint).with_credentials(credentials);
        Claimable::new(self.request, identity, tag, self.term)
    }
}

impl Claimable {
    pub(super) fn new(
        request: KeyedRequest,
        identity: Identity,
        tag: Option<RequestTag>,
        term: LeaseTerm,
    ) -> Self {
        let policy = &request.calls().policy;
        let lease = Lease::new(identity, policy.pending_duration(term.duration())).with_tag(tag);
        request.state().claims(policy.with_durability(lease), term);
        Self(request)
    }

    pub(super) const fn request(&self) -> &KeyedRequest {
        &self.0
    }

    pub(super) fn watch(&self) -> Watch {
        Watch::new(self.0.clone())
    }
}

impl Idempotency {
    /// Looks at the head of a request. No round trip.
    ///
    /// `scope` is asked only for a request with a valid key; without a scope the record is bound
    /// to the credentials in the head. A request that holds its record already, under another layer, passes
    /// through, and so does one of gRPC.
    ///
    /// `current` is the execution in the request's extensions, where an adapter puts it before it calls the
    /// handler: a request that has one comes from another layer, which holds its record.
    pub fn admit(
        &self,
        head: &impl RequestHead,
        current: Option<&CurrentExecution>,
        scope: impl FnOnce() -> Option<Scope>,
    ) -> Admission {
        let policy = self.policy();
        if !policy.protects(head.method()) || self.calls.grpc.takes(head) {
            return Admission::PassThrough;
        }
        let mut lines = head.header(&policy.header).peekable();
        if lines.peek().is_none() {
            return if policy.requires_key() && current.is_none() {
                Admission::Refused(Refusal::KeyMissing)
            } else {
                Admission::PassThrough
            };
        }
        if current.is_some_and(|current| current.is_of(head)) {
            return Admission::PassThrough;
        }
        match policy.key_format.parse(lines) {
            Ok(key) => Admission::Protected(self.protect(head, key, scope())),
            Err(invalid) => Admission::Refused(Refusal::KeyInvalid(invalid)),
        }
    }

    fn protect(
        &self,
        head: &impl RequestHead,
        key: IdempotencyKey,
        scope: Option<Scope>,
    ) -> Protected {
        let scope = scope.filter(Scope::names_somebody);
        let record_key = self.record_key(scope.as_ref(), &key);
        let calls = Arc::clone(&self.calls);
        Protected {
            request: KeyedRequest::new(calls, key, record_key, || head.route()),
            head: self.calls.counted.copy(head, scope.is_some()),
            has_scope: scope.is_some(),
            term: self.lease(),
        }
    }
}
