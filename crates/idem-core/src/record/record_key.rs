//! The name of a record: the only name that a store or a log ever sees.

use std::fmt;

use crate::{
    digest::{Hasher, Hex},
    request::{IdempotencyKey, Scope},
};

/// SHA-256 over namespace, scope and key, each with its length.
///
/// `Display` writes all 64 hexadecimal digits, `Debug` the first 12, which is what events carry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey([u8; 32]);

impl RecordKey {
    /// Derives the record key; without a scope the key is unique within the namespace.
    #[must_use]
    pub fn derive(namespace: &str, scope: Option<&Scope>, key: &IdempotencyKey) -> Self {
        // One block of the hash holds all of it for a UUID without namespace and scope.
        let (tag, namespace, key) = ("idem key 2", namespace.as_bytes(), key.as_str().as_bytes());
        Self(match scope {
            None => Hasher::of(tag, [namespace, b"", key]),
            Some(scope) => Hasher::of(tag, [namespace, b"scope", scope.as_bytes(), key]),
        })
    }

    /// Takes a record key that was derived elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest itself.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0[..6]), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derive(namespace: &str, scope: Option<&str>, key: &str) -> RecordKey {
        let scope = scope.map(Scope::from);
        RecordKey::derive(
            namespace,
            scope.as_ref(),
            &IdempotencyKey::new(key).unwrap(),
        )
    }

    #[test]
    fn namespace_scope_and_key_are_kept_apart() {
        let all = [
            derive("", None, "ab"),
            derive("a", None, "b"),
            derive("", Some("a"), "b"),
            derive("", Some(""), "ab"),
            derive("", None, "AB"),
            derive("", Some("a"), "bc"),
            derive("", Some("ab"), "c"),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(
                !all[index + 1..].contains(one),
                "number {index} comes twice"
            );
        }
    }

    #[test]
    fn the_derivation_never_changes() {
        // Records outlive a release: another value here would run every live key again.
        assert_eq!(
            derive("market", Some("tenant-7"), "order-17").to_string(),
            "a387f65c650ce53e9f1915f071004efc39bfa4253ed7d7d30b16117507c0f37c"
        );
    }
}
