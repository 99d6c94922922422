//! Who the client is: two scopes never share a key.

use std::fmt;

/// The client (tenant, user, account) within which a key is unique.
///
/// It must come from what the application has authenticated, never from what the client merely
/// says. `Debug` shows the length alone, since a scope often names a person.
///
/// A scope whose parts are all empty names nobody. The [engine](crate::Idempotency) takes it for no
/// scope at all, so that clients whose tenant was not found are told apart by their credentials.
///
/// ```
/// use idem_core::Scope;
///
/// assert_eq!(Scope::from("tenant-7"), Scope::from_parts(["tenant-7"]));
/// // Parts are kept apart: no choice of names makes two clients one.
/// assert_ne!(Scope::from_parts(["a", "bc"]), Scope::from_parts(["ab", "c"]));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scope(Box<[u8]>);

impl Scope {
    /// Builds a scope from several names, such as a tenant and a user of it.
    pub fn from_parts<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            let part = part.as_ref();
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self(bytes.into())
    }

    /// Whether a part of it is not empty.
    pub(crate) fn names_somebody(&self) -> bool {
        // The length of an empty part is zero in all its bytes.
        self.0.iter().any(|&byte| byte != 0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Scope {
    fn from(name: &str) -> Self {
        Self::from_parts([name])
    }
}

impl From<String> for Scope {
    fn from(name: String) -> Self {
        Self::from_parts([name])
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_name_nobody() {
        let none: [&str; 0] = [];
        for nobody in [
            Scope::from(""),
            Scope::from_parts(none),
            Scope::from_parts(["", ""]),
        ] {
            assert!(!nobody.names_somebody());
        }
        for somebody in [
            Scope::from("\0"),
            Scope::from_parts(["", "heidi"]),
            Scope::from("acme"),
        ] {
            assert!(somebody.names_somebody());
        }
    }
}
