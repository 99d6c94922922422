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
/// It has nothing of the response, and nothing that one could act with: who holds the lease stays
/// in the store, and of what was asked for there are the first digits of its digest.
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
    /// Nothing is there: whoever claims the key executes.
    Absent,
    /// Somebody holds a lease.
    Pending,
    /// Somebody's execution succeeded, and duplicates get its response.
    Completed,
    /// Somebody's execution succeeded, and its response was not kept.
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

    /// The first 8 hexadecimal digits of the fingerprint of what was asked for: enough to tell two
    /// payloads apart, and too few to search for one by.
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

    /// How long ago the record was last written: claimed or renewed if it is pending, else
    /// completed.
    ///
    /// It is the policy's lease or retention less what remains, so no clock is asked but the
    /// store's, and the record need not hold a time. It is wrong by as much as those durations were
    /// changed since, or as the request's [own lease](crate::adapter::Protected::lease) differs from the policy's, and
    /// `None` if that is plain: more remains than there was. A lease that is
    /// alive is renewed each third of it; one that is older has a holder that does not answer.
    #[must_use]
    pub const fn age(&self) -> Option<Duration> {
        self.age
    }
}

impl Idempotency {
    /// Tells where a key stands, and changes nothing. 1 round trip if the key is absent, at most 2
    /// otherwise.
    ///
    /// It is for people who ask: the answer may be stale, and decides nothing.
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

    /// Frees a key that is pending, whoever holds its lease. 1 round trip if the key is absent, at
    /// most 3 otherwise.
    ///
    /// It is for keys whose holder is known to be dead, where the policy
    /// [refuses](crate::OnLeaseEnd::Refuse) to take over. If the holder lives, its work may be done
    /// twice. A completed record is never touched, and a key that is absent is not either.
    /// [`record_key`](Self::record_key) gives the name of a client's key.
    ///
    /// What stands there is read, and the read may be stale; the release is fenced by the owner
    /// that was read, so the worst is to find nothing pending, and to ask again.
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

    /// How many executions are under way here and in all clones, those included whose client hung
    /// up, and requests whose claim is on its way. Duplicates that wait are none. It asks no store.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.calls.counters.executions.len()
    }
}
