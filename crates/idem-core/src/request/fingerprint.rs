//! What a request asks for, as one SHA-256 digest: a key with another digest is refused.
//!
//! The folder brings a payload into its canonical form without building a tree of it, for speed and to bound
//! what an attacker's payload costs: up to 15 times its SHA-256, however it is nested and named. `cargo bench
//! -p idem-benches --bench ratios -- fingerprint` measures that, and `work.rs` counts the bytes moved. What
//! two payloads must agree in to mean the same is written plainly, with trees, in
//! `tests/fingerprint/oracle.rs`; the tests and the fuzzer compare both, and `tests/fingerprint/golden.rs`
//! pins the fingerprints themselves.

use std::fmt;

use crate::{
    digest::{Hasher, Hex},
    request::{HeaderName, RequestHead, credentials::field_values, name},
};

mod buffers;
mod json;
mod label;
mod large;
mod members;
mod multipart;
mod number;
mod pointer;
mod text;
mod work;
mod written;

use json::Canonical;
use label::{Comparison, Label};
use pointer::Selection;
pub use pointer::{JsonPointer, ParsePointerError};

/// The algorithm's domain and version.
///
/// A change of the algorithm changes this: a record made before then is answered as a mismatch,
/// and never run a second time as if it were new.
const DOMAIN: &str = "idem fingerprint 4";

/// SHA-256 of what a request asks for: method, path with query, content type, chosen headers and
/// canonical payload.
///
/// `Debug` shows the first 12 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Takes a fingerprint that was stored.
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

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", Hex(&self.0[..6]))
    }
}

/// Which parts of a request make its fingerprint.
///
/// Method, target, `Content-Type`, `Content-Encoding` and payload always do. A client repeats a request by
/// sending the same bytes, so every difference counts, unless a standard defines both forms as equal, or HTTP
/// libraries change it between two attempts on their own:
///
/// | part | the same | different |
/// |---|---|---|
/// | target | the same bytes | another order in the query, another percent-encoding (`%7E` and `~`), a slash, a dot or a `?` at the end, `//` |
/// | `Content-Type` | case of the type and of names, quotes, white space and order of parameters; the case of a `charset`; on JSON, `charset=utf-8` and none (RFC 8259, section 11) | any other parameter or value, and parameters that do not follow the grammar |
/// | `Content-Encoding` | `identity` and none; one list in one line or in several; `x-gzip` and `gzip` | any other coding, even around the same content |
/// | JSON | member order, white space, escapes, the notation of numbers (`1` and `1.0`) | array order, a number's exact decimal value, another Unicode normalisation |
/// | multipart | another boundary; case of the names of a part's header fields | order, header fields and content of the parts |
/// | a [chosen](Self::header) header | the same values in the same lines; for `Cookie`, the same cookies in one line or in several (RFC 9113, section 8.2.3) | one line with a list and several lines, since only the header's own definition says whether that is the same |
///
/// The host and all other headers do not count.
///
/// A payload is JSON if it is labelled `application/json` or `+json`. It counts by its bytes if it is not
/// valid, has a duplicate member, is nested deeper than 128 levels, or has an exponent of more than 17 digits.
/// So does every encoded payload, because it is not decoded.
///
/// A payload is multipart if it is labelled `multipart/…` and follows RFC 2046 and RFC 7578 exactly: up to
/// 1,024 parts with up to 8 KiB of header fields each, nothing before or after them, and the boundary nowhere
/// inside them. Any other counts by its bytes, boundary included, and so does a multipart payload inside a
/// part. It is read once, in place.
///
/// ```
/// use idem_core::{FingerprintRules, JsonPointer};
///
/// let rules = FingerprintRules::default()
///     .header("accept-language")
///     .without(["/sentAt".parse::<JsonPointer>()?, "/trace/id".parse()?]);
/// # Ok::<(), idem_core::ParsePointerError>(())
/// ```
#[derive(Clone, Debug, Default, Hash)]
pub struct FingerprintRules {
    headers: Vec<String>,
    selection: Selection,
}

impl FingerprintRules {
    /// Adds a header whose values count.
    ///
    /// # Panics
    /// If no header can have that name ([`HeaderName`]): nothing would count.
    #[must_use]
    #[track_caller]
    pub fn header(mut self, name: impl TryInto<HeaderName, Error: fmt::Display>) -> Self {
        let name: HeaderName = name::accept("FingerprintRules::header", name);
        self.headers.push(name.into());
        self
    }

    /// Excludes these fields of a JSON payload; it replaces an earlier choice of fields.
    ///
    /// A payload without the field equals one with any value of it. The empty pointer excludes the whole JSON
    /// payload. Multipart and other payloads are not affected.
    #[must_use]
    pub fn without(mut self, fields: impl IntoIterator<Item = JsonPointer>) -> Self {
        self.selection = Selection::Without(fields.into_iter().collect());
        self
    }

    /// Compares only these fields of a JSON payload; it replaces an earlier choice of fields.
    ///
    /// A field that is absent differs from one that is `null`. With no field at all, any JSON payload equals
    /// any other. Multipart and other payloads are not affected.
    #[must_use]
    pub fn only(mut self, fields: impl IntoIterator<Item = JsonPointer>) -> Self {
        self.selection = Selection::Only(fields.into_iter().collect());
        self
    }

    /// The fingerprint of a whole request. It reads the payload once, and hashes it in place if it is already
    /// canonical and has no escapes.
    #[must_use]
    pub fn fingerprint(&self, head: &impl RequestHead, payload: &[u8]) -> Fingerprint {
        let mut hasher = Hasher::new(DOMAIN);
        let comparison = self.add_head(&mut hasher, head);
        self.add_payload(&mut hasher, comparison, payload);
        Fingerprint(hasher.finish())
    }

    /// The headers that count besides those that describe the payload, in lower case.
    pub(crate) fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Adds what the head of a request says; answers how its payload is compared.
    fn add_head(&self, hasher: &mut Hasher, head: &impl RequestHead) -> Comparison {
        let mut content_types = head.header("content-type");
        let content_type = content_types.next().unwrap_or_default();
        let label = Label::read(content_type, head.header("content-encoding"));
        hasher.add(head.method().as_bytes());
        hasher.add(head.target().as_bytes());
        hasher.add(&label.media_type);
        hasher.add(&label.parameters);
        hasher.add(&label.codings);
        for another in content_types {
            hasher.add(b"content-type");
            hasher.add(another);
        }
        for name in &self.headers {
            hasher.add(name.as_bytes());
            for value in head.header(name).flat_map(|line| field_values(name, line)) {
                hasher.add(b"=");
                hasher.add(value);
            }
        }
        label.comparison
    }

    fn add_payload(&self, hasher: &mut Hasher, comparison: Comparison, payload: &[u8]) {
        match comparison {
            Comparison::Json => {
                let absorb = |payload: Canonical<'_>| self.selection.absorb(hasher, payload);
                if json::canonical(payload, absorb).is_none() {
                    add_bytes(hasher, payload);
                }
            }
            Comparison::Parts(boundary) => match multipart::parts(payload, &boundary) {
                Some(parts) => multipart::absorb(&parts, hasher),
                None => {
                    hasher.add(b"boundary");
                    hasher.add(&boundary);
                    add_bytes(hasher, payload);
                }
            },
            Comparison::Bytes => add_bytes(hasher, payload),
        }
    }
}

impl FingerprintRules {
    /// The fingerprint of a JSON payload that came without a request's head.
    pub(crate) fn of_payload(&self, payload: &[u8]) -> Fingerprint {
        let mut hasher = Hasher::new(DOMAIN);
        hasher.add(b"no request");
        self.add_payload(&mut hasher, Comparison::Json, payload);
        Fingerprint(hasher.finish())
    }
}

fn add_bytes(hasher: &mut Hasher, payload: &[u8]) {
    hasher.add(b"bytes");
    hasher.add(payload);
}
