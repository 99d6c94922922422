//! Records as they come from a row, and whether one is small enough for it.

use std::time::Duration;

use idem_core::store::{NotKept, Outcome, Pending, Record};

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

/// What a transaction records of an outcome: its response, unless that is larger than the store takes.
pub(crate) fn fitting(outcome: &Outcome, most: usize) -> &Outcome {
    const TOO_LARGE: &Outcome = &Outcome::NotKept(NotKept::TooLarge);
    match fits(outcome, most) {
        true => outcome,
        false => TOO_LARGE,
    }
}

pub(crate) fn fits(outcome: &Outcome, most: usize) -> bool {
    match outcome {
        Outcome::Response(response) => response.size() <= most,
        Outcome::NotKept(_) => true,
    }
}
