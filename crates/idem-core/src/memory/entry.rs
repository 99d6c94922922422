//! A record as the memory store keeps it.

use std::{sync::Arc, time::Duration};

use super::{
    clock::{Coarse, Time},
    hash::{Hash, Hashed},
};
use crate::{
    record::{
        Completed, Identity, Lease, Outcome, OwnerToken, Pending, Record, RecordKey, Response,
    },
    request::RequestTag,
};

/// What a table holds of a record: enough to grow, nearly enough to sweep, and where the rest is.
///
/// It takes 16 bytes. With the whole deadline in it these would be 24, and a claim and its completion took 4 % longer.
pub(super) struct Slot {
    hash: Hash,
    /// Not after the deadline.
    live_until: Coarse,
    pub(super) entry: Box<Entry>,
}

/// What a replay reads comes first, in as few cache lines as possible.
#[repr(C)]
pub(super) struct Entry {
    pub(super) deadline: Time,
    /// A pending record has none yet.
    outcome: Option<Outcome>,
    key: RecordKey,
    tag: Option<RequestTag>,
    owner: OwnerToken,
    identity: Identity,
}

impl Slot {
    pub(super) fn new(
        key: Hashed<'_>,
        lease: &Lease,
        outcome: Option<Outcome>,
        deadline: Time,
    ) -> Self {
        let entry = Box::new(Entry {
            deadline,
            outcome,
            key: *key.key,
            tag: lease.tag().copied(),
            owner: *lease.owner(),
            identity: *lease.identity(),
        });
        Self {
            hash: key.hash,
            live_until: deadline.coarse(),
            entry,
        }
    }

    pub(super) fn set_deadline(&mut self, deadline: Time) {
        self.live_until = deadline.coarse();
        self.entry.deadline = deadline;
    }

    /// The deadline, or a time before it that has not come yet.
    pub(super) fn live_until(&self, now: Time) -> Time {
        let coarse = self.live_until.into();
        if now < coarse {
            coarse
        } else {
            self.entry.deadline
        }
    }

    pub(super) fn is_under(&self, key: Hashed<'_>) -> bool {
        self.hash == key.hash && self.entry.key == *key.key
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash.spread()
    }
}

impl Entry {
    /// The bytes of a record without its response, with its slot in a table that may be half empty.
    pub(super) const SIZE: usize = size_of::<Self>() + 2 * (size_of::<Slot>() + 1);

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

    /// Whether the lease runs.
    pub(super) fn is_held(&self, lease: &Lease, now: Time) -> bool {
        self.is_live(now) && self.is_pending_of(lease)
    }

    pub(super) fn record(&self, now: Time) -> Record {
        let (owner, identity) = (self.owner, self.identity);
        match &self.outcome {
            None => Record::Pending(Pending::new(owner, identity, Some(self.remaining(now)))),
            Some(outcome) => Record::Completed(Completed::new(owner, identity, outcome.clone())),
        }
    }

    pub(super) fn complete(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
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

    /// What its response takes.
    pub(super) fn response_size(&self) -> usize {
        match &self.outcome {
            Some(Outcome::Response(response)) => size_of_val(&**response) + response.held(),
            Some(Outcome::NotKept(_)) | None => 0,
        }
    }
}
