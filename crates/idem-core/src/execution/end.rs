//! The end of an execution, as it is sent to the store: a completion or a release, once.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::{
    contract::{Fenced, Operation, StoreError, StoreErrorKind},
    events::{End, Event},
    execution::{
        keyed::KeyedRequest,
        lease::{EndsBy, LeaseState},
    },
    record::{NotKept, Outcome},
};

/// How often the end of an execution is sent at most.
const ATTEMPTS: u32 = 4;

/// The pause after the first attempt that failed; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl KeyedRequest {
    /// Begins the end, and tells whose it is.
    ///
    /// A lease that is on its way is waited for, since only then it is known whose the end is: for as
    /// long as a lease of its own has, so that a drain ends.
    pub(super) async fn begin_end(&self) -> EndsBy {
        if let Some(ends_by) = self.state().begin_end_if_settled() {
            return ends_by;
        }
        let patience = self.state().term().duration();
        // Boxed, for few leases travel, and every request would have room for it.
        let _ = Box::pin(timeout(patience, self.state().settled())).await;
        self.state().begin_end()
    }

    /// Records what came of the execution.
    pub(super) async fn complete(&self, mut outcome: Outcome) -> Result<Fenced, StoreError> {
        let retention = self.calls().policy.retention;
        let timeout = self.call_timeout();
        let mut attempts = self.attempts();
        let completed = loop {
            let in_doubt = attempts.may_have_landed() || self.state().has_set_out();
            // Boxed, for few are in doubt, and every request would have room for it.
            let in_doubt = in_doubt.then(|| Box::new(self.lease().completed_perhaps()));
            let call = self.calls().complete(
                self.record_key(),
                in_doubt.as_deref().unwrap_or(self.lease()),
                &outcome,
                retention,
                timeout,
            );
            match call.await {
                Err(error) if is_too_large(&error, &outcome) => {
                    outcome = Outcome::NotKept(NotKept::TooLarge);
                }
                Err(error) if attempts.again(&error).await => {}
                ended => break ended,
            }
        };
        self.ended(&completed, End::Recorded, Operation::Complete);
        completed
    }

    /// Frees the key. Never called after an attempt to complete.
    pub(super) async fn release(&self, end: End) -> Result<Fenced, StoreError> {
        let timeout = self.call_timeout();
        let mut attempts = self.attempts();
        let released = loop {
            let call = self
                .calls()
                .release(self.record_key(), self.lease(), timeout);
            match call.await {
                Err(error) if attempts.again(&error).await => {}
                // An earlier attempt may have freed it although its reply was lost.
                Ok(Fenced::Lost) if attempts.may_have_landed() => break Ok(Fenced::Held),
                ended => break ended,
            }
        };
        self.ended(&released, end, Operation::Release);
        released
    }

    fn ended(&self, said: &Result<Fenced, StoreError>, end: End, operation: Operation) {
        match said {
            Ok(Fenced::Held) => self.report(&Event::Ended(end)),
            Ok(Fenced::Lost) => self.lose(operation),
            Err(error) => self.report(&Event::Unrecorded(error)),
        }
    }

    pub(super) fn attempts(&self) -> Attempts<'_> {
        Attempts {
            left: ATTEMPTS - 1,
            pause: FIRST_PAUSE,
            lease: self.state(),
            may_have_landed: false,
        }
    }
}

fn is_too_large(error: &StoreError, outcome: &Outcome) -> bool {
    error.kind() == StoreErrorKind::TooLarge && matches!(outcome, Outcome::Response(_))
}

/// How often and until when the end of an execution is sent again.
pub(super) struct Attempts<'a> {
    left: u32,
    pause: Duration,
    lease: &'a LeaseState,
    may_have_landed: bool,
}

impl Attempts<'_> {
    /// Waits before another attempt, if one is worth it.
    pub(super) async fn again(&mut self, error: &StoreError) -> bool {
        self.may_have_landed |= error.may_have_landed();
        let is_final = matches!(
            error.kind(),
            StoreErrorKind::TooLarge | StoreErrorKind::Rejected | StoreErrorKind::Corrupt
        );
        if is_final || self.left == 0 || Instant::now() + self.pause >= self.lease.deadline() {
            return false;
        }
        sleep(self.pause).await;
        self.left -= 1;
        self.pause *= 2;
        true
    }

    /// Whether an attempt that failed may have landed anyway.
    pub(super) const fn may_have_landed(&self) -> bool {
        self.may_have_landed
    }
}
