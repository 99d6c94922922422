//! Records as they come from a row, and whether one is small enough for it.

use std::time::Duration;

use idem_core::store::{Outcome, Pending, Record};

/// Adds to a lease what is left of it, which is in no record.
pub(crate) fn with_remaining(record: Record, left: Duration) -> Record {
    match record {
        Record::Pending(pending) => {
            let (owner, identity) = (*pending.owner(), *pending.identity());
            Record::Pending(Pending::new(owner, identity, Some(left)))
        }
        other => other,
    }
}

pub(crate) fn fits(outcome: &Outcome, most: usize) -> bool {
    match outcome {
        Outcome::Response(response) => response.size() <= most,
        Outcome::NotKept(_) => true,
    }
}
