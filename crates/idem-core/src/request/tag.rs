//! A short name for the exact bytes of a request, by which a repetition is known before its fingerprint is.

use std::{
    fmt,
    hash::{Hash, Hasher as _},
    sync::LazyLock,
};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::request::{FingerprintRules, HeadCopy, RequestHead};

mod nh;

/// Names the exact bytes of a request: all that makes its fingerprint and its credentials, and the rules by
/// which they are made.
///
/// Two requests under one record key that have one tag have one [identity](crate::store::Identity). Two whose
/// tags differ may have one as well: JSON in another order, for example.
///
/// It is SipHash-1-3 with 128 bits over the lengths of the head and the payload, and the digest by NH (UMAC, RFC 4418) of
/// each two kilobytes of both. Each process draws the keys of both hashes, so a tag means nothing elsewhere: it is never
/// encoded and never travels. Two requests that a client makes up have the same tag with a chance of 2^-64, and the client
/// would win the earlier response to the same key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestTag([u8; 16]);

impl RequestTag {
    /// A tag made otherwise, for the tests of a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestTag")
    }
}

/// This process's keys.
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    sip: rand::random(),
    nh: nh::Key::random(),
});

struct Keys {
    sip: [u8; 16],
    nh: nh::Key,
}

/// What counts of requests under a policy.
#[derive(Clone)]
pub(crate) struct Counted {
    /// The hash of the rules, which each request's goes on from.
    rules: SipHasher13,
    headers: Vec<String>,
    headers_and_credentials: Vec<String>,
}

impl Counted {
    pub(crate) fn new(rules: &FingerprintRules, credential_headers: &[String]) -> Self {
        let mut hasher = SipHasher13::new_with_key(&KEYS.sip);
        rules.hash(&mut hasher);
        credential_headers.hash(&mut hasher);
        let mut headers = Vec::new();
        let describe_payload = ["content-type", "content-encoding"].map(str::to_owned);
        add_missing(&mut headers, &describe_payload);
        add_missing(&mut headers, rules.headers());
        let mut headers_and_credentials = headers.clone();
        add_missing(&mut headers_and_credentials, credential_headers);
        Self {
            rules: hasher,
            headers,
            headers_and_credentials,
        }
    }

    /// Copies what counts of a head. Where a scope says who asks, credentials do not.
    pub(crate) fn copy(&self, head: &impl RequestHead, has_scope: bool) -> HeadCopy {
        let names = if has_scope {
            &self.headers
        } else {
            &self.headers_and_credentials
        };
        HeadCopy::of(head, names)
    }

    /// The tag of a request whose head was [copied](Self::copy) here, with a scope or without.
    pub(crate) fn tag(&self, head: &HeadCopy, has_scope: bool, payload: &[u8]) -> RequestTag {
        let mut hasher = self.rules;
        let head = head.as_bytes();
        // With the lengths, no two requests have the same list of blocks.
        hasher.write_u64((head.len() as u64) << 1 | u64::from(has_scope));
        hasher.write_u64(payload.len() as u64);
        for bytes in [head, payload] {
            for digest in KEYS.nh.digests(bytes) {
                hasher.write_u128(digest);
            }
        }
        RequestTag(hasher.finish128().as_bytes())
    }
}

fn add_missing(names: &mut Vec<String>, more: &[String]) {
    for name in more {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
}

impl fmt::Debug for Counted {
    // The hash holds the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted")
            .field("headers", &self.headers_and_credentials)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn head_and_payload_are_kept_apart() {
        let counted = Counted::new(&FingerprintRules::default(), &[]);
        let mut tags = HashSet::new();
        let bytes = [0; 100];
        for head in 0..50 {
            for payload in 0..50 {
                let copy = HeadCopy::from_bytes(&bytes[..head]);
                for has_scope in [false, true] {
                    let is_new = tags.insert(counted.tag(&copy, has_scope, &bytes[..payload]));
                    assert!(is_new, "{head} bytes, {payload} bytes, {has_scope}");
                }
            }
        }
    }
}
