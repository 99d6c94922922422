//! What a claim's answer means for the request that made it: a pure function, without I/O or
//! clock.

use std::{sync::Arc, time::Duration};

use crate::{
    contract::Claim,
    policy::Refusal,
    record::{Completed, Identity, Outcome, Record, Response},
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
    /// Answer with this, and run nothing.
    Refuse(Refusal),
}

/// Decides by what was asked and what the claim answered.
///
/// Who asks is compared first, and then what is asked for, before anything is said about the
/// record: another caller learns neither the payload nor the progress, and another payload is a
/// mismatch even while the original runs. `retry_after` says when it is worth asking again, from what is
/// left of the original's lease, if the store can tell.
pub fn decide(
    asked: &Identity,
    claim: &Claim,
    retry_after: impl FnOnce(Option<Duration>) -> Duration,
) -> Decision {
    let record = match claim {
        Claim::Owned => return Decision::Execute,
        Claim::Taken(record) => record,
    };
    let recorded = match record {
        Record::Pending(pending) => pending.identity(),
        Record::Completed(completed) => completed.identity(),
        // It cannot be compared, and what may have been done must not be done again.
        Record::Unreadable => return Decision::Refuse(Refusal::Mismatch),
    };
    if recorded.credentials() != asked.credentials() {
        return Decision::Refuse(Refusal::OtherCaller);
    }
    if recorded.fingerprint() != asked.fingerprint() {
        return Decision::Refuse(Refusal::Mismatch);
    }
    match record {
        Record::Pending(pending) => Decision::Refuse(Refusal::InProgress {
            retry_after: retry_after(pending.remaining()),
        }),
        Record::Completed(completed) => replay(completed),
        Record::Unreadable => Decision::Refuse(Refusal::Mismatch),
    }
}

fn replay(completed: &Completed) -> Decision {
    match completed.outcome() {
        Outcome::Response(response) => Decision::Replay(Arc::clone(response)),
        Outcome::NotKept(reason) => Decision::Refuse(Refusal::NotKept(*reason)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        record::{Headers, NotKept, OwnerToken, Pending},
        request::{CredentialsDigest, Fingerprint},
    };

    fn identity(fingerprint: u8, credentials: Option<u8>) -> Identity {
        Identity::new(Fingerprint::from_bytes([fingerprint; 32]))
            .with_credentials(credentials.map(|byte| CredentialsDigest::from_bytes([byte; 32])))
    }

    /// What is left comes back, so that it is seen that it was asked about.
    fn told(remaining: Option<Duration>) -> Duration {
        remaining.unwrap_or(Duration::MAX)
    }

    fn in_progress(remaining: Option<Duration>) -> Decision {
        let retry_after = told(remaining);
        Decision::Refuse(Refusal::InProgress { retry_after })
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
                in_progress(rest),
            ),
            (
                Record::Pending(Pending::new(owner, identity, None)),
                in_progress(None),
            ),
            (
                completed(Outcome::Response(Arc::clone(&response))),
                Decision::Replay(response),
            ),
            (
                completed(Outcome::NotKept(NotKept::TooLarge)),
                Decision::Refuse(Refusal::NotKept(NotKept::TooLarge)),
            ),
            (
                completed(Outcome::NotKept(NotKept::Stream)),
                Decision::Refuse(Refusal::NotKept(NotKept::Stream)),
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
                        Decision::Refuse(Refusal::OtherCaller)
                    } else if recorded != asked {
                        Decision::Refuse(Refusal::Mismatch)
                    } else {
                        for_the_same
                    };
                    assert_eq!(decide(&asked, &Claim::Taken(record), told), expected);
                }
            }
            assert_eq!(decide(&recorded, &Claim::Owned, told), Decision::Execute);
            let unreadable = Claim::Taken(Record::Unreadable);
            assert_eq!(
                decide(&recorded, &unreadable, told),
                Decision::Refuse(Refusal::Mismatch)
            );
        }
    }
}
