//! What an operator does by hand: look a key up, and free one whose execution is known to be dead.

use std::time::Duration;

use crate::{
    contract::{Fenced, StoreError},
    digest::Hex,
    engine::Idempotency,
    policy::Policy,
    record::{Lease, NotKept, Outcome, Record, RecordKey, Stored},
    request::Fingerprint,
};

/// What freeing a key found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freed {
    /// A pending record was there, and is gone.
    Freed,
    /// Nothing is pending there; a completed record stays.
    NothingPending,
}

/// What an operator may know of a key.
///
/// It contains nothing of the response, and nothing to act with: the lease's owner stays in the store, and of
/// the request there are only the first digits of its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    state: KeyState,
    fingerprint: Option<Fingerprint>,
    remaining: Option<Duration>,
    age: Option<Duration>,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// There is no record: the next request with the key executes.
    Absent,
    /// An execution holds a lease.
    Pending,
    /// An execution succeeded, and duplicates get its response.
    Completed,
    /// An execution succeeded, and its response was not kept.
    NotKept(NotKept),
    /// A newer release wrote the record.
    Unreadable,
}

impl KeyState {
    /// The state's name, for people and for JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::NotKept(_) => "not_kept",
            Self::Unreadable => "unreadable",
        }
    }
}

impl KeyStatus {
    const ABSENT: Self = Self {
        state: KeyState::Absent,
        fingerprint: None,
        remaining: None,
        age: None,
    };

    fn of(stored: &Stored, policy: &Policy) -> Self {
        let (state, fingerprint, lasts) = match stored.record() {
            Record::Pending(pending) => (
                KeyState::Pending,
                Some(*pending.identity().fingerprint()),
                Some(policy.pending_duration(policy.lease)),
            ),
            Record::Completed(completed) => (
                match completed.outcome() {
                    Outcome::Response(_) => KeyState::Completed,
                    Outcome::NotKept(reason) => KeyState::NotKept(*reason),
                },
                Some(*completed.identity().fingerprint()),
                Some(policy.retention),
            ),
            Record::Unreadable => (KeyState::Unreadable, None, None),
        };
        let remaining = stored.remaining();
        let age = lasts
            .zip(remaining)
            .and_then(|(lasts, remaining)| lasts.checked_sub(remaining));
        Self {
            state,
            fingerprint,
            remaining,
            age,
        }
    }

    /// Where the key stands.
    #[must_use]
    pub const fn state(&self) -> KeyState {
        self.state
    }

    /// The first 8 hexadecimal digits of the request's fingerprint: enough to tell two payloads apart, and too
    /// few to guess one.
    #[must_use]
    pub fn fingerprint_prefix(&self) -> Option<String> {
        let fingerprint = self.fingerprint.as_ref()?;
        Some(Hex(&fingerprint.as_bytes()[..4]).to_string())
    }

    /// What is left until the key is absent, on the store's clock: of the lease while the key is
    /// pending, of the retention once it is completed. `None` if the store cannot tell.
    #[must_use]
    pub const fn remaining(&self) -> Option<Duration> {
        self.remaining
    }

    /// How long ago the record was last written: claimed or renewed if it is pending, otherwise completed.
    ///
    /// It is the policy's lease or retention minus the remaining time, so it needs only the store's clock, and
    /// the record need not hold a time. If those durations were changed since, or the request's [own
    /// lease](crate::adapter::Protected::lease) differs from the policy's, it is wrong by the difference. It is
    /// `None` if that is obvious, because more time remains than there can be. A living holder renews its lease
    /// after each third of it; if the age is more than that, the holder does not answer.
    #[must_use]
    pub const fn age(&self) -> Option<Duration> {
        self.age
    }
}

impl Idempotency {
    /// Looks up the state of a key, and changes nothing. 1 round trip if the key is absent, at most 2
    /// otherwise.
    ///
    /// It is for people: the answer may be stale, so base no decision in code on it.
    /// [`record_key`](Self::record_key) gives the name of a client's key.
    ///
    /// # Errors
    /// The store failed, or did not answer in time; nothing is known of the key.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn look_up(&self, key: &RecordKey) -> Result<KeyStatus, StoreError> {
        let found = self.stored(key).await?;
        Ok(found.map_or(KeyStatus::ABSENT, |stored| {
            KeyStatus::of(&stored, self.policy())
        }))
    }

    /// Frees a pending key, no matter who holds its lease. 1 round trip if the key is absent, at most 3
    /// otherwise.
    ///
    /// It is for keys whose holder is known to be dead while the policy [refuses](crate::OnLeaseEnd::Refuse) to
    /// take over. If the holder lives, its work may be done twice. Completed records and absent keys are never
    /// touched. [`record_key`](Self::record_key) gives the name of a client's key.
    ///
    /// The record is read first, and the read may be stale. The release is fenced by the owner that was read,
    /// so the worst outcome is that nothing pending is found, and you call again.
    ///
    /// # Errors
    /// The store failed; the key may be free or not.
    ///
    /// # Cancel safety
    /// Safe: call it again.
    pub async fn free(&self, key: &RecordKey) -> Result<Freed, StoreError> {
        let Some(stored) = self.stored(key).await? else {
            return Ok(Freed::NothingPending);
        };
        let Record::Pending(pending) = stored.record() else {
            return Ok(Freed::NothingPending);
        };
        let lease = self.policy().lease;
        let duration = self.policy().pending_duration(lease);
        let held = Lease::of_owner(*pending.owner(), *pending.identity(), duration);
        let held = self.policy().with_durability(held);
        let timeout = self.policy().call_timeout(lease);
        Ok(match self.calls.release(key, &held, timeout).await? {
            Fenced::Held => {
                self.calls.wake_waiters(key);
                Freed::Freed
            }
            // It ended by itself meanwhile.
            Fenced::Lost => Freed::NothingPending,
        })
    }

    async fn stored(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let timeout = self.policy().call_timeout(self.policy().lease);
        self.calls.look_up(key, timeout).await
    }

    /// How many executions are under way here and in all clones, including those whose client hung up and
    /// requests whose claim is on its way. Duplicates that wait do not count. It does not ask the store.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.calls.counters.executions.len()
    }
}
