//! What an operator does by hand: free a key whose execution is known to be dead.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    engine::Idempotency,
    fingerprint::Fingerprint,
    record::{Identity, Lease, Record},
    record_key::RecordKey,
    store::{Claim, Fenced, StoreError},
};

/// How long a probe would block a key if it were cut off from the store half-way.
const PROBE: Duration = Duration::from_secs(1);

/// What freeing a key found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freed {
    /// A pending record was there, and is gone.
    Freed,
    /// Nothing is pending there; a completed record stays.
    NothingPending,
}

impl Idempotency {
    /// Frees a key that is pending, whoever holds its lease. 2 or 3 round trips.
    ///
    /// It is for keys whose holder is known to be dead, where the policy
    /// [refuses](crate::OnLeaseEnd::Refuse) to take over. If the holder lives, its work may be done
    /// twice. A completed record is never touched. [`record_key`](Self::record_key) gives the name
    /// of a client's key.
    ///
    /// # Errors
    /// The store failed; the key may be free or not.
    ///
    /// # Cancel safety
    /// Safe: call it again. A key that was absent may be taken for a second.
    pub async fn free(&self, key: &RecordKey) -> Result<Freed, StoreError> {
        // The store tells what stands there only to one who claims.
        let nobody = Identity::new(Fingerprint::from_bytes([0; 32]));
        let probe = Lease::new(nobody, PROBE);
        let (held, found) = match self.calls().claim(key, &probe, Instant::now()).await? {
            Claim::Owned => (probe, Freed::NothingPending),
            Claim::Taken(Record::Pending(pending)) => {
                let lease = Lease::of_owner(*pending.owner(), *pending.identity(), PROBE);
                (lease, Freed::Freed)
            }
            Claim::Taken(Record::Completed(_) | Record::Unreadable) => {
                return Ok(Freed::NothingPending);
            }
        };
        Ok(match self.calls().release(key, &held).await? {
            Fenced::Held => found,
            // It ended by itself meanwhile.
            Fenced::Lost => Freed::NothingPending,
        })
    }
}
