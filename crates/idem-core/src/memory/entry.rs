//! A record as the memory store keeps it.

use std::{sync::Arc, time::Duration};

use super::{clock::Time, hash::Hash, wheel::Link};
use crate::{
    record::{
        Completed, Identity, Lease, Outcome, OwnerToken, Pending, Record, RecordKey, Response,
    },
    request::RequestTag,
};

pub(super) struct Entry {
    pub(super) key: RecordKey,
    pub(super) hash: Hash,
    /// Where it hangs in the wheel: its neighbours, and the slot.
    pub(super) link: Link,
    pub(super) slot: u8,
    pub(super) deadline: Time,
    owner: OwnerToken,
    identity: Identity,
    tag: Option<RequestTag>,
    /// The outcome; a pending record has none yet.
    outcome: Option<Outcome>,
}

impl Entry {
    pub(super) fn new(
        key: RecordKey,
        hash: Hash,
        lease: &Lease,
        outcome: Option<Outcome>,
        deadline: Time,
    ) -> Self {
        Self {
            key,
            hash,
            link: Link::default(),
            slot: 0,
            deadline,
            owner: *lease.owner(),
            identity: *lease.identity(),
            tag: lease.tag().copied(),
            outcome,
        }
    }

    pub(super) fn is_live(&self, now: Time) -> bool {
        now < self.deadline
    }

    pub(super) fn remaining(&self, now: Time) -> Duration {
        now.until(self.deadline)
    }

    pub(super) fn is_completed(&self) -> bool {
        self.outcome.is_some()
    }

    pub(super) fn is_of(&self, lease: &Lease) -> bool {
        self.owner == *lease.owner()
    }

    pub(super) fn is_pending_of(&self, lease: &Lease) -> bool {
        !self.is_completed() && self.is_of(lease)
    }

    pub(super) fn complete(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    pub(super) fn record(&self, now: Time) -> Record {
        match &self.outcome {
            None => Record::Pending(Pending::new(
                self.owner,
                self.identity,
                Some(self.remaining(now)),
            )),
            Some(outcome) => {
                Record::Completed(Completed::new(self.owner, self.identity, outcome.clone()))
            }
        }
    }

    /// The response to the request with these exact bytes.
    pub(super) fn recall(&self, tag: &RequestTag) -> Option<Arc<Response>> {
        match &self.outcome {
            Some(Outcome::Response(response)) if self.tag.as_ref() == Some(tag) => {
                Some(Arc::clone(response))
            }
            _ => None,
        }
    }

    /// What it takes with its place in the table, which is half empty at times, and its response.
    pub(super) fn size(&self) -> usize {
        const TABLE: usize = 2 * (size_of::<(Hash, u32)>() + 1);
        let response = match &self.outcome {
            Some(Outcome::Response(response)) => size_of_val(&**response) + response.size(),
            Some(Outcome::NotKept(_)) | None => 0,
        };
        size_of::<Option<Self>>() + TABLE + response
    }
}

#[cfg(test)]
impl Entry {
    pub(super) fn sample() -> Self {
        let identity = Identity::new(crate::request::Fingerprint::from_bytes([1; 32]));
        let lease = Lease::new(identity, Duration::from_secs(1));
        let key = RecordKey::from_bytes([2; 32]);
        Self::new(key, Hash::default(), &lease, None, Time::START)
    }
}
