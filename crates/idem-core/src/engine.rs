//! From a request to its decision: what both adapters call, in the order in which they call it.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use crate::{
    credentials::CredentialsDigest,
    decision::{Decision, decide},
    execution::Execution,
    fingerprint::Unfinished,
    policy::Policy,
    record::{Identity, Lease},
    record_key::RecordKey,
    refusal::Refusal,
    request::RequestHead,
    response::Response,
    scope::Scope,
    store::IdempotencyStore,
};

/// When to ask again if the store cannot be asked now.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A store and a policy: all that makes operations idempotent. Clones share both.
///
/// An adapter calls [`admit`](Self::admit) with the head of each request, reads the body of those
/// that are protected, and calls [`begin`](Self::begin) with it.
#[derive(Clone)]
pub struct Idempotency {
    store: Arc<dyn IdempotencyStore>,
    policy: Arc<Policy>,
}

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
    /// Read the body, up to [`Policy::request_limit`], and begin.
    Protected(Protected),
}

/// What becomes of a protected request.
///
/// The enum is complete: an adapter handles each case.
#[derive(Debug)]
#[must_use]
pub enum Begin {
    /// Run the handler, and finish the execution with what came of it.
    Execute(Execution),
    /// Answer with this, and mark it as a replay.
    Replay(Arc<Response>),
    /// Answer with this, and run nothing.
    Refused(Refusal),
}

/// A request whose key is known and whose body is not yet.
#[derive(Debug)]
pub struct Protected {
    record_key: RecordKey,
    credentials: Option<CredentialsDigest>,
    fingerprint: Unfinished,
}

impl Idempotency {
    /// Joins a store and a policy.
    pub fn new(store: impl IdempotencyStore, policy: Policy) -> Self {
        Self {
            store: Arc::new(store),
            policy: Arc::new(policy),
        }
    }

    /// The same store under another policy.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self {
            store: Arc::clone(&self.store),
            policy: Arc::new(policy),
        }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn IdempotencyStore {
        &*self.store
    }

    /// Looks at the head of a request. No round trip.
    ///
    /// `scope` is asked only for a request with a valid key; without a scope the record is bound
    /// to the credentials in the head.
    pub fn admit(
        &self,
        head: &impl RequestHead,
        scope: impl FnOnce() -> Option<Scope>,
    ) -> Admission {
        if !self.policy.protects(head.method()) {
            return Admission::PassThrough;
        }
        let mut lines = head.header(self.policy.key_header()).peekable();
        if lines.peek().is_none() {
            return if self.policy.requires_key() {
                Admission::Refused(Refusal::KeyMissing)
            } else {
                Admission::PassThrough
            };
        }
        let key = match self.policy.keys().parse(lines) {
            Ok(key) => key,
            Err(invalid) => return Admission::Refused(Refusal::KeyInvalid(invalid)),
        };
        let scope = scope();
        let record_key = RecordKey::derive(self.policy.namespace_name(), scope.as_ref(), &key);
        let credentials = match scope {
            Some(_) => None,
            None => {
                let names = self.policy.credential_header_names();
                CredentialsDigest::of(head, names, &record_key)
            }
        };
        Admission::Protected(Protected {
            record_key,
            credentials,
            fingerprint: self.policy.fingerprints().begin(head),
        })
    }

    /// Claims the key for a request and decides what becomes of it. 1 round trip when the key is
    /// fresh, at most 2 otherwise.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped claim may have been taken, and the key then stays taken for up to
    /// the lease.
    pub async fn begin(&self, request: Protected, body: &[u8]) -> Begin {
        let Protected {
            record_key,
            credentials,
            fingerprint,
        } = request;
        let fingerprint = self.policy.fingerprints().finish(fingerprint, body);
        let identity = Identity::new(fingerprint).with_credentials(credentials);
        let lease = Lease::new(identity, self.policy.lease_duration());
        let claim = match self.store.claim(&record_key, &lease).await {
            Ok(claim) => claim,
            Err(error) => {
                let error: &dyn Error = &error;
                tracing::error!(key = ?record_key, error, "refused, since the store failed");
                return Begin::Refused(Refusal::StoreUnavailable {
                    retry_after: STORE_RETRY_AFTER,
                });
            }
        };
        self.answer(decide(&identity, &claim), record_key, lease)
    }

    fn answer(&self, decision: Decision, record_key: RecordKey, lease: Lease) -> Begin {
        tracing::debug!(key = ?record_key, outcome = decision.as_str(), "decided");
        Begin::Refused(match decision {
            Decision::Execute => {
                return Begin::Execute(Execution::new(self.clone(), record_key, lease));
            }
            Decision::Replay(response) => return Begin::Replay(response),
            Decision::NotKept(reason) => Refusal::NotKept(reason),
            Decision::Mismatch => Refusal::Mismatch,
            Decision::OtherCaller => {
                tracing::warn!(
                    key = ?record_key,
                    "a key was used with other credentials; if one client's credentials change, \
                     or several clients choose the same keys, configure a scope"
                );
                Refusal::OtherCaller
            }
            Decision::InProgress(remaining) => Refusal::InProgress {
                retry_after: remaining.unwrap_or(self.policy.lease_duration()),
            },
        })
    }
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("store", &self.store)
            .field("policy", &self.policy)
            .finish()
    }
}
