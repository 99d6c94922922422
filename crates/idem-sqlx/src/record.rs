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

#[cfg(test)]
mod tests {
    use idem_core::{Headers, Response};

    use super::*;

    #[test]
    fn a_response_that_is_too_large_is_recorded_as_that() {
        let response = Response::new(201, Headers::default(), "a goat".into());
        let size = response.size();
        let outcome = Outcome::from(response);
        assert_eq!(fitting(&outcome, size), &outcome);
        let too_large = Outcome::NotKept(NotKept::TooLarge);
        assert_eq!(fitting(&outcome, size - 1), &too_large);
    }
}
