//! Leases, identities and outcomes that no two tests share.

use std::time::Duration;

use bytes::Bytes;
use idem_core::{
    Headers, RecordKey, Response,
    store::{CredentialsDigest, Fingerprint, Identity, Lease, Outcome},
};

/// Longer than any test takes, so that nothing runs out that is not meant to.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// A key that nobody has used.
pub(crate) fn record_key() -> RecordKey {
    RecordKey::from_bytes(rand::random())
}

/// Somebody's request: its fingerprint and credentials are like no other's.
pub(crate) fn identity() -> Identity {
    Identity::new(Fingerprint::from_bytes(rand::random()))
        .with_credentials(Some(CredentialsDigest::from_bytes(rand::random())))
}

/// A lease of somebody's that outlasts the test.
pub(crate) fn lease() -> Lease {
    lease_for(LONG)
}

/// A lease of somebody's.
pub(crate) fn lease_for(duration: Duration) -> Lease {
    Lease::new(identity(), duration)
}

/// An outcome like no other.
pub(crate) fn outcome() -> Outcome {
    let headers: Headers = [("x-goat", b"\tbilly\xff".as_slice())]
        .into_iter()
        .collect();
    Response::new(201, headers, bytes(16)).into()
}

/// A response without headers.
pub(crate) fn response(body: Bytes) -> Outcome {
    Response::new(200, Headers::default(), body).into()
}

/// Random bytes, in which nothing repeats that a store could mend or compress away.
pub(crate) fn bytes(length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes[..]);
    bytes.into()
}

/// Random bytes that a header's value can have.
pub(crate) fn header_value(length: usize) -> Vec<u8> {
    let bytes = bytes(length);
    let allowed = bytes.iter().copied().map(|byte| match byte {
        byte if is_in_header_values(byte) => byte,
        _ => b' ',
    });
    allowed.collect()
}

/// Whether a header's value can have this byte (RFC 9110, section 5.5). A store may refuse a response
/// with another one: no server could have sent it.
pub(crate) fn is_in_header_values(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
