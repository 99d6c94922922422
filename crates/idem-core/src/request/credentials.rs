//! Whose request made a record, when the application names no scope.

use std::fmt;

use crate::{
    digest::{Hasher, Hex},
    request::RequestHead,
};

/// A digest of the credentials that a request carried.
///
/// It is salted with the record key, so the same credentials under two keys do not look alike in a store.
/// Anyone who can read the store can still guess a weak password against it: configure a scope if clients send
/// passwords.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialsDigest([u8; 32]);

impl CredentialsDigest {
    /// Digests the named headers; `None` if the request carries none of them.
    ///
    /// Of a `Cookie` field, the cookies count one by one: HTTP/2 may send each in a line of its own, and the
    /// same client may then use HTTP/1, with all of them in one line (RFC 9113, section 8.2.3). Every other
    /// line counts byte for byte.
    pub(crate) fn of(head: &impl RequestHead, names: &[String], salt: &[u8; 32]) -> Option<Self> {
        let mut lines = names
            .iter()
            .flat_map(|name| {
                let lines = head.header(name);
                lines.flat_map(move |line| field_values(name, line).map(move |value| (name, value)))
            })
            .peekable();
        // Many requests carry none, and there is nothing to hash then.
        lines.peek()?;
        let mut hasher = Hasher::new("idem credentials 3");
        hasher.add(salt);
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

/// What counts in one field line, whose name is in lower case: each cookie of it, or the whole value.
pub(super) fn field_values<'a>(name: &str, line: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let is_cookie = name == "cookie";
    line.split(move |&byte| is_cookie && byte == b';')
        .map(move |value| if is_cookie { value.trim_ascii() } else { value })
        .filter(move |value| !(is_cookie && value.is_empty()))
}

impl fmt::Debug for CredentialsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialsDigest({})", Hex(&self.0[..6]))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    struct Head(&'static [(&'static str, &'static str)]);

    impl RequestHead for Head {
        fn method(&self) -> &str {
            "POST"
        }

        fn target(&self) -> &str {
            "/"
        }

        fn route(&self) -> Option<Cow<'_, str>> {
            None
        }

        fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
            let lines = self.0.iter().filter(move |(line, _)| *line == name);
            lines.map(|(_, value)| value.as_bytes())
        }
    }

    fn digest(lines: &'static [(&'static str, &'static str)]) -> Option<CredentialsDigest> {
        let names = ["authorization", "cookie", "x-api-key"].map(str::to_owned);
        CredentialsDigest::of(&Head(lines), &names, &[3; 32])
    }

    // S91
    #[test]
    fn cookies_count_one_by_one_however_many_lines_they_came_in() {
        let two_lines = digest(&[("cookie", "a=1"), ("cookie", "b=2")]);
        for one in ["a=1; b=2", "a=1;b=2", " a=1 ;; b=2; "] {
            let one = Box::leak(Box::new([("cookie", one)]));
            assert_eq!(digest(one), two_lines, "{one:?}");
        }
        for other in [
            "a=1",
            "b=2; a=1",
            "a=1b=2",
            "a=1, b=2",
            "a=1; b=2; b=2",
            "A=1; b=2",
        ] {
            let other = Box::leak(Box::new([("cookie", other)]));
            assert_ne!(digest(other), two_lines, "{other:?}");
        }
        assert_eq!(digest(&[("cookie", " ; ")]), None);
    }

    #[test]
    fn the_digests_of_one_caller_under_two_keys_do_not_tell_that_it_is_one() {
        let of = |record: u8| {
            let head = Head(&[("authorization", "Bearer a")]);
            CredentialsDigest::of(&head, &["authorization".to_owned()], &[record; 32])
        };
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }

    #[test]
    fn the_digest_never_changes() {
        // Records outlive a release: with another value, every caller's retry would be refused.
        let digest = digest(&[("authorization", "Bearer a"), ("cookie", "a=1; b=2")]).unwrap();
        assert_eq!(
            Hex(digest.as_bytes()).to_string(),
            "80b92181fff3174558986cddcfe6cd8e8eacd7de1f47a6e32789c33c6f4c8a5f"
        );
    }

    #[test]
    fn other_credentials_count_byte_for_byte() {
        let lines: [&'static [(&'static str, &'static str)]; 9] = [
            &[],
            &[("authorization", "Bearer a")],
            &[("authorization", "bearer a")],
            &[("authorization", "Bearer a;")],
            &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
            &[("x-api-key", "Bearer a")],
            &[("x-api-key", "a"), ("x-api-key", "b")],
            &[("x-api-key", "a; b")],
            &[("cookie", "a"), ("x-api-key", "b")],
        ];
        for (index, one) in lines.iter().enumerate() {
            for other in &lines[..index] {
                assert_ne!(digest(one), digest(other), "{one:?} and {other:?}");
            }
        }
    }
}
