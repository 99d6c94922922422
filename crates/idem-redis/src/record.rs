//! A record as the server keeps it: one byte of state, 16 of the owner, and then the core's codec.
//!
//! The first 17 bytes are the head, by which scripts tell whose record it is without reading the rest.

use std::time::Duration;

use idem_core::store::{
    DecodeError, Lease, Outcome, OwnerToken, Pending, Record, decode, encode_completed,
    encode_pending,
};

const HEAD: usize = 17;
const PENDING: u8 = b'P';
const COMPLETED: u8 = b'C';

pub(crate) fn pending(lease: &Lease) -> Vec<u8> {
    framed(PENDING, lease.owner(), &encode_pending(lease))
}

pub(crate) fn completed(lease: &Lease, outcome: &Outcome) -> Vec<u8> {
    framed(COMPLETED, lease.owner(), &encode_completed(lease, outcome))
}

/// With which a pending record of this lease begins.
pub(crate) fn pending_head(lease: &Lease) -> [u8; HEAD] {
    let mut head = [PENDING; HEAD];
    head[1..].copy_from_slice(lease.owner().as_bytes());
    head
}

fn framed(state: u8, owner: &OwnerToken, record: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(HEAD + record.len());
    framed.push(state);
    framed.extend_from_slice(owner.as_bytes());
    framed.extend_from_slice(record);
    framed
}

/// Reads a record, and adds to a lease what is left of it.
pub(crate) fn read(framed: &[u8], left: Option<Duration>) -> Result<Record, DecodeError> {
    let record = framed.get(HEAD..).ok_or(DecodeError::Truncated)?;
    Ok(match decode(record)? {
        Record::Pending(found) => {
            Record::Pending(Pending::new(*found.owner(), *found.identity(), left))
        }
        other => other,
    })
}

pub(crate) fn fits(outcome: &Outcome, most: usize) -> bool {
    match outcome {
        Outcome::Response(response) => response.size() <= most,
        Outcome::NotKept(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use idem_core::store::{Fingerprint, Identity, NotKept};

    use super::*;

    fn lease() -> Lease {
        let identity = Identity::new(Fingerprint::from_bytes([7; 32]));
        let owner = OwnerToken::from_bytes([1; 16]);
        Lease::of_owner(owner, identity, Duration::from_secs(30))
    }

    #[test]
    fn a_lease_comes_back_with_what_is_left_of_it() {
        let (lease, left) = (lease(), Some(Duration::from_secs(9)));
        let framed = pending(&lease);
        assert!(framed.starts_with(&pending_head(&lease)));
        let found = Pending::new(*lease.owner(), *lease.identity(), left);
        assert_eq!(read(&framed, left).unwrap(), Record::Pending(found));
    }

    #[test]
    fn a_result_has_another_head_than_its_lease() {
        let framed = completed(&lease(), &NotKept::Stream.into());
        assert!(!framed.starts_with(&pending_head(&lease())));
        assert!(matches!(read(&framed, None).unwrap(), Record::Completed(_)));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let framed = pending(&lease());
        for length in 0..framed.len() {
            assert!(read(&framed[..length], None).is_err(), "{length}");
        }
    }

    #[test]
    fn the_frame_never_changes() {
        // Records outlive a release, and its scripts meet those of the one before.
        let framed = pending(&lease());
        assert_eq!(
            framed[..HEAD],
            *b"P\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
        );
        assert_eq!(framed[HEAD..], encode_pending(&lease()));
    }
}
