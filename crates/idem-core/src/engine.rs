//! From a request to its decision: what both adapters call, in the order in which they call it.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::{
    calls::Calls,
    contract::IdempotencyStore,
    events::{Answered, Event},
    execution::{CurrentExecution, Execution, Watch},
    policy::{LeaseTerm, Policy, Refusal},
    record::{Identity, Lease, RecordKey, Response},
    request::{CredentialsDigest, IdempotencyKey, RequestHead, Scope, Unfinished, grpc},
};

mod continuation;
mod decision;
mod operator;
mod run;
mod waiting;

pub use continuation::{Continuation, Resumed};
pub use decision::{Decision, decide};
pub use operator::{Freed, KeyState, KeyStatus};
pub use run::{Done, OperationError, RunError};
pub(crate) use waiting::Place;
use waiting::{Waited, WaitingRoom};

/// A store and a policy: all that makes operations idempotent. Clones share both.
///
/// An adapter calls [`admit`](Self::admit) with the head of each request, reads the body of those
/// that are protected, and calls [`begin`](Self::begin) with it. Code that is no HTTP handler calls
/// [`run`](Self::run).
///
/// It needs a tokio runtime with its timer.
#[derive(Clone)]
pub struct Idempotency(Arc<Inner>);

/// Under one pointer, for a request takes several clones.
struct Inner {
    calls: Calls,
    shared: Arc<Shared>,
    grpc: grpc::PassThrough,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: WaitingRoom,
    /// Counts executions, wherever they run; once it is closed no more begin.
    executions: TaskTracker,
    /// The tasks of those whose caller vanished; what they execute is counted above.
    handed_over: TaskTracker,
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
    /// Read the body, up to [`Policy::max_request_bytes`], and begin.
    Protected(Protected),
}

/// What becomes of a protected request.
///
/// The enum is complete: an adapter handles each case.
#[derive(Debug)]
#[must_use]
pub enum Begin {
    /// Run the handler under this.
    Execute(Execution),
    /// Run the handler and record nothing: the store failed, and the policy chose to go on.
    Unprotected,
    /// Answer with this, and mark it as a replay.
    Replay(Arc<Response>),
    /// Answer with this, and run nothing.
    Refused(Refusal),
}

/// A request whose key is known and whose body is not yet.
#[derive(Debug)]
pub struct Protected {
    key: IdempotencyKey,
    credentials: Option<CredentialsDigest>,
    fingerprint: Unfinished,
    term: LeaseTerm,
    watch: Watch,
}

impl Protected {
    /// Gives the request a lease of its own in place of the [policy's](Policy::lease).
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
        self.watch.clone()
    }

    /// Says what is asked for, now that the body is known.
    pub(crate) fn identify(
        self,
        policy: &Policy,
        body: &[u8],
    ) -> (IdempotencyKey, Identity, LeaseTerm, Watch) {
        let fingerprint = policy.fingerprints().finish(self.fingerprint, body);
        let identity = Identity::new(fingerprint).with_credentials(self.credentials);
        (self.key, identity, self.term, self.watch)
    }
}

impl Idempotency {
    /// Joins a store and a policy.
    pub fn new(store: impl IdempotencyStore, policy: Policy) -> Self {
        Self::join(Arc::new(store), policy, Arc::default())
    }

    /// The same store under another policy; waiters and executions are counted together.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        let store = Arc::clone(&self.calls().store);
        Self::join(store, policy, Arc::clone(&self.0.shared))
    }

    fn join(store: Arc<dyn IdempotencyStore>, policy: Policy, shared: Arc<Shared>) -> Self {
        let calls = Calls { store, policy };
        Self(Arc::new(Inner {
            calls,
            shared,
            grpc: grpc::PassThrough::default(),
        }))
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.calls().policy
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn IdempotencyStore {
        &*self.calls().store
    }

    /// The name of the record that a key has in a scope.
    #[must_use]
    pub fn record_key(&self, scope: Option<&Scope>, key: &IdempotencyKey) -> RecordKey {
        let scope = scope.filter(|scope| scope.names_somebody());
        RecordKey::derive(self.policy().namespace_name(), scope, key)
    }

    /// Lets no more executions begin, and waits until those under way have ended and are recorded,
    /// whether or not their client still listens.
    ///
    /// Call it at shutdown. From the call on, requests under a key are
    /// [refused](Refusal::ShuttingDown) with 503, here and in all clones; nothing is executed for
    /// them, and another server answers their retry.
    ///
    /// # Cancel safety
    /// Safe: the executions run on, and it may be called again.
    pub async fn drain(&self) {
        let shared = &self.0.shared;
        shared.executions.close();
        shared.executions.wait().await;
        shared.handed_over.close();
        shared.handed_over.wait().await;
    }

    pub(crate) fn handed_over(&self) -> &TaskTracker {
        &self.0.shared.handed_over
    }

    pub(crate) fn executions(&self) -> &TaskTracker {
        &self.0.shared.executions
    }

    /// Looks at the head of a request. No round trip.
    ///
    /// `scope` is asked only for a request with a valid key; without a scope the record is bound
    /// to the credentials in the head. A request that holds its record already, under another layer, passes
    /// through, and so does one of gRPC.
    pub fn admit(
        &self,
        head: &impl RequestHead,
        scope: impl FnOnce() -> Option<Scope>,
    ) -> Admission {
        let policy = self.policy();
        if !policy.protects(head.method()) || self.0.grpc.takes(head) {
            return Admission::PassThrough;
        }
        let mut lines = head.header(policy.key_header()).peekable();
        let current = head.current_execution();
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
        match policy.keys().parse(lines) {
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
        let credentials = match scope {
            Some(_) => None,
            None => {
                let names = self.policy().credential_header_names();
                CredentialsDigest::of(head, names, &record_key)
            }
        };
        Protected {
            key,
            credentials,
            fingerprint: self.policy().fingerprints().begin(head),
            term: self.policy().lease_duration().into(),
            watch: Watch::new(self.clone(), record_key, || head.route()),
        }
    }

    /// Claims the key for a request and decides what becomes of it. 1 round trip when the key is
    /// fresh, at most 2 otherwise; more only if a claim's reply was lost, or the policy lets
    /// duplicates wait.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped claim may have been taken, and the key then stays taken for up to
    /// the lease. Put what calls it into a [`HandOver`](crate::adapter::HandOver).
    pub async fn begin(&self, request: Protected, body: &[u8]) -> Begin {
        let (key, identity, term, watch) = request.identify(self.policy(), body);
        self.begin_as(key, identity, term, &watch).await
    }

    pub(crate) fn begin_as<'a>(
        &'a self,
        key: IdempotencyKey,
        identity: Identity,
        term: LeaseTerm,
        watch: &'a Watch,
    ) -> impl Future<Output = Begin> + Send + 'a {
        let duration = self.policy().pending_duration(term.duration());
        let lease = Lease::new(identity, duration);
        // One future, and no more than it needs: each request has room for it.
        async move {
            let (answered, begin) = self.decide(key, &lease, &term, watch).await;
            watch.decided(answered);
            self.calls()
                .report(watch.record_key(), &Event::Decided(answered));
            begin
        }
    }

    async fn decide(
        &self,
        key: IdempotencyKey,
        lease: &Lease,
        term: &LeaseTerm,
        watch: &Watch,
    ) -> (Answered, Begin) {
        let record_key = watch.record_key();
        let timeout = self.policy().call_timeout(term.duration());
        let claim = |now| self.calls().claim(record_key, lease, now, timeout);
        let mut waiter = None;
        loop {
            // Taken before it is asked whether more may begin: a drain that comes between waits.
            let mut under_way = self.executions().token();
            if self.executions().is_closed() {
                return refused(Answered::ShuttingDown, Refusal::ShuttingDown);
            }
            // The lease may run from the first time that the claim was sent.
            let sent = Instant::now();
            watch.claims();
            // Asked once more with the same owner if nobody knows whether it landed.
            let claimed = match claim(sent).await {
                Err(error) if error.may_have_landed() => Box::pin(claim(Instant::now())).await,
                answer => answer,
            };
            let Ok(claimed) = claimed else {
                return self.without_store();
            };
            let decision = decide(lease.identity(), &claimed);
            // The timeouts see to it, unless the whole process stood still: what was owned when
            // the store answered may be somebody else's now.
            if matches!(decision, Decision::Execute) && sent.elapsed() >= lease.duration() {
                return self.without_store();
            }
            watch.claimed(matches!(decision, Decision::Execute));
            if let (Decision::InProgress(_), Some(wait)) = (&decision, self.policy().waiting()) {
                // It executes nothing, and is told to go when it asks again during a drain.
                drop(under_way);
                // Boxed, for few wait, and every request would have room for it.
                match Box::pin(self.0.shared.waiting.wait(&mut waiter, watch, wait)).await {
                    Waited::AskAgain => continue,
                    Waited::Enough => under_way = self.executions().token(),
                    Waited::NoPlace => {
                        return refused(Answered::TooManyWaiters, Refusal::TooManyWaiters);
                    }
                }
            }
            return self.answer(decision, lease, term, || {
                let deadline = sent + lease.duration();
                let idempotency = self.clone();
                let current =
                    CurrentExecution::new(idempotency, key, *record_key, *lease, *term, deadline);
                Execution::new(current, under_way)
            });
        }
    }

    fn without_store(&self) -> (Answered, Begin) {
        if self.policy().runs_unprotected() {
            return (Answered::Unprotected, Begin::Unprotected);
        }
        refused(Answered::StoreUnavailable, Refusal::StoreUnavailable)
    }

    fn answer(
        &self,
        decision: Decision,
        lease: &Lease,
        term: &LeaseTerm,
        execution: impl FnOnce() -> Execution,
    ) -> (Answered, Begin) {
        match decision {
            Decision::Execute => (Answered::Execute, Begin::Execute(execution())),
            Decision::Replay(response) => (Answered::Replay, Begin::Replay(response)),
            Decision::NotKept(reason) => refused(Answered::NotKept, Refusal::NotKept(reason)),
            Decision::Mismatch => refused(Answered::Mismatch, Refusal::Mismatch),
            Decision::OtherCaller => refused(Answered::OtherCaller, Refusal::OtherCaller),
            Decision::InProgress(remaining) => {
                // What the original's lease is like is known from the duplicate's own, more or less.
                let age = remaining.map_or(Duration::ZERO, |remaining| {
                    lease.duration().saturating_sub(remaining)
                });
                let left =
                    remaining.map_or(term.duration(), |remaining| remaining.min(term.duration()));
                let retry_after = self.policy().retry_in(age, left);
                refused(Answered::InProgress, Refusal::InProgress { retry_after })
            }
        }
    }
}

fn refused(answered: Answered, refusal: Refusal) -> (Answered, Begin) {
    (answered, Begin::Refused(refusal))
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("store", &self.calls().store)
            .field("policy", &self.calls().policy)
            .finish_non_exhaustive()
    }
}
