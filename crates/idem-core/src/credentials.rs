//! Whose request made a record, when the application names no scope.

use std::fmt;

use crate::{
    digest::{Hasher, Hex},
    record_key::RecordKey,
    request::RequestHead,
};

/// A digest of the credentials that a request carried.
///
/// It is salted with the record key, so the same credentials under two keys do not look alike in
/// a store. A weak password can still be guessed against it by whoever reads the store: give a
/// scope where clients send passwords.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialsDigest([u8; 32]);

impl CredentialsDigest {
    /// Digests the named headers; `None` if the request carries none of them.
    pub(crate) fn of(
        head: &impl RequestHead,
        names: &[String],
        record_key: &RecordKey,
    ) -> Option<Self> {
        let mut lines = names
            .iter()
            .flat_map(|name| head.header(name).map(move |value| (name, value)))
            .peekable();
        // Many requests carry none, and there is nothing to hash then.
        lines.peek()?;
        let mut hasher = Hasher::new("idem credentials 1");
        hasher.add(record_key.as_bytes());
        for (name, value) in lines {
            hasher.add(name.as_bytes());
            hasher.add(value);
        }
        Some(Self(hasher.finish()))
    }

    /// Takes a digest that was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest itself, to store it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CredentialsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialsDigest({})", Hex(&self.0[..6]))
    }
}
