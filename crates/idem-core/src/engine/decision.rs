//! What a claim's answer means for the request that made it: a pure function, without I/O or
//! clock.

use std::{sync::Arc, time::Duration};

use crate::{
    contract::Claim,
    record::{Completed, Identity, NotKept, Outcome, Record, Response},
};

/// What becomes of a request.
///
/// The enum is complete: the first variant executes, all others are a duplicate's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// The lease is the request's own: run the handler.
    Execute,
    /// The original completed: answer with its response.
    Replay(Arc<Response>),
    /// The original completed, but its response was not kept.
    NotKept(NotKept),
    /// The key came with another request before.
    Mismatch,
    /// The key was used with other credentials before.
    OtherCaller,
    /// The original is still running, for at most the rest of its lease (if the store can tell).
    InProgress(Option<Duration>),
}

/// Decides by what was asked and what the claim answered.
///
/// Who asks is compared first, and then what is asked for, before anything is said about the
/// record: another caller learns neither the payload nor the progress, and another payload is a
/// mismatch even while the original runs.
pub fn decide(asked: &Identity, claim: &Claim) -> Decision {
    let record = match claim {
        Claim::Owned => return Decision::Execute,
        Claim::Taken(record) => record,
    };
    let recorded = match record {
        Record::Pending(pending) => pending.identity(),
        Record::Completed(completed) => completed.identity(),
        // It cannot be compared, and what may have been done must not be done again.
        Record::Unreadable => return Decision::Mismatch,
    };
    if recorded.credentials() != asked.credentials() {
        return Decision::OtherCaller;
    }
    if recorded.fingerprint() != asked.fingerprint() {
        return Decision::Mismatch;
    }
    match record {
        Record::Pending(pending) => Decision::InProgress(pending.remaining()),
        Record::Completed(completed) => replay(completed),
        Record::Unreadable => Decision::Mismatch,
    }
}

fn replay(completed: &Completed) -> Decision {
    match completed.outcome() {
        Outcome::Response(response) => Decision::Replay(Arc::clone(response)),
        Outcome::NotKept(reason) => Decision::NotKept(*reason),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        record::{Headers, OwnerToken, Pending},
        request::{CredentialsDigest, Fingerprint},
    };

    fn identity(fingerprint: u8, credentials: Option<u8>) -> Identity {
        Identity::new(Fingerprint::from_bytes([fingerprint; 32]))
            .with_credentials(credentials.map(|byte| CredentialsDigest::from_bytes([byte; 32])))
    }

    /// Every record that can stand under a key, made by a given identity, and what it means to a
    /// request of the same identity.
    fn records(identity: Identity) -> Vec<(Record, Decision)> {
        let owner = OwnerToken::random();
        let response = Arc::new(Response::new(
            201,
            Headers::default(),
            Bytes::from_static(b"1"),
        ));
        let rest = Some(Duration::from_secs(7));
        let completed = |outcome| Record::Completed(Completed::new(owner, identity, outcome));
        vec![
            (
                Record::Pending(Pending::new(owner, identity, rest)),
                Decision::InProgress(rest),
            ),
            (
                Record::Pending(Pending::new(owner, identity, None)),
                Decision::InProgress(None),
            ),
            (
                completed(Outcome::Response(Arc::clone(&response))),
                Decision::Replay(response),
            ),
            (
                completed(Outcome::NotKept(NotKept::TooLarge)),
                Decision::NotKept(NotKept::TooLarge),
            ),
            (
                completed(Outcome::NotKept(NotKept::Stream)),
                Decision::NotKept(NotKept::Stream),
            ),
        ]
    }

    #[test]
    fn every_record_meets_every_request() {
        let identities = [
            identity(1, None),
            identity(1, Some(1)),
            identity(1, Some(2)),
            identity(2, None),
            identity(2, Some(1)),
        ];
        for recorded in identities {
            for asked in identities {
                for (record, for_the_same) in records(recorded) {
                    let expected = if recorded.credentials() != asked.credentials() {
                        Decision::OtherCaller
                    } else if recorded != asked {
                        Decision::Mismatch
                    } else {
                        for_the_same
                    };
                    assert_eq!(decide(&asked, &Claim::Taken(record)), expected);
                }
            }
            assert_eq!(decide(&recorded, &Claim::Owned), Decision::Execute);
            let unreadable = Claim::Taken(Record::Unreadable);
            assert_eq!(decide(&recorded, &unreadable), Decision::Mismatch);
        }
    }
}
