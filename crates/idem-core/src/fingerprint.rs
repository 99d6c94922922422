//! What a request asks for, as one SHA-256: a key that comes with another one is refused.

use std::{borrow::Cow, fmt};

use crate::{
    digest::{Hasher, Hex},
    name::{self, HeaderName},
    request::RequestHead,
};

mod json;
mod members;
mod nested;
mod number;
mod pointer;
mod radix;
mod text;
mod work;
mod written;

use pointer::Selection;
pub use pointer::{JsonPointer, ParsePointerError};

/// The algorithm's domain and version.
///
/// A change of the algorithm changes this: a record made before then is answered as a mismatch,
/// and never run a second time as if it were new.
const DOMAIN: &str = "idem fingerprint 2";

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
/// Method, path with query and content type always do. A JSON payload (labelled
/// `application/json` or `+json`) counts by its meaning: member order, white space, escapes and
/// the notation of numbers do not matter, array order does, and numbers compare by exact decimal
/// value. What is not labelled JSON, is no valid JSON, has a duplicate member or is nested deeper
/// than 128 levels counts by its bytes.
///
/// ```
/// use idem_core::{FingerprintRules, JsonPointer};
///
/// let rules = FingerprintRules::default()
///     .header("accept-language")
///     .without(["/sentAt".parse::<JsonPointer>()?, "/trace/id".parse()?]);
/// # Ok::<(), idem_core::ParsePointerError>(())
/// ```
#[derive(Clone, Debug, Default)]
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

    /// Leaves these fields of a JSON payload out; it replaces an earlier choice of fields.
    ///
    /// A payload without the field equals one with any value of it.
    #[must_use]
    pub fn without(mut self, fields: impl IntoIterator<Item = JsonPointer>) -> Self {
        self.selection = Selection::Without(fields.into_iter().collect());
        self
    }

    /// Takes these fields of a JSON payload and nothing else of it; it replaces an earlier choice
    /// of fields.
    ///
    /// A field that is absent differs from one that is `null`.
    #[must_use]
    pub fn only(mut self, fields: impl IntoIterator<Item = JsonPointer>) -> Self {
        self.selection = Selection::Only(fields.into_iter().collect());
        self
    }

    /// The fingerprint of a whole request. It reads the payload once, and a payload that is in
    /// canonical form already is hashed where it stands.
    #[must_use]
    pub fn fingerprint(&self, head: &impl RequestHead, payload: &[u8]) -> Fingerprint {
        self.finish(self.begin(head), payload)
    }

    /// Begins a fingerprint with what the head of the request says.
    pub(crate) fn begin(&self, head: &impl RequestHead) -> Unfinished {
        let mut content_types = head.header("content-type");
        let content_type = content_types.next().unwrap_or_default();
        let (media_type, parameters) = split_content_type(content_type);
        let mut hasher = Hasher::new(DOMAIN);
        hasher.add(head.method().as_bytes());
        hasher.add(head.target().as_bytes());
        hasher.add(&media_type);
        hasher.add(parameters);
        for another in content_types {
            hasher.add(b"content-type");
            hasher.add(another);
        }
        for name in &self.headers {
            hasher.add(name.as_bytes());
            for value in head.header(name) {
                hasher.add(b"=");
                hasher.add(value);
            }
        }
        Unfinished {
            hasher,
            is_json: is_json(&media_type),
        }
    }

    /// Ends a fingerprint with the payload.
    pub(crate) fn finish(&self, unfinished: Unfinished, payload: &[u8]) -> Fingerprint {
        let Unfinished {
            mut hasher,
            is_json,
        } = unfinished;
        let canonical = if is_json {
            json::canonical(payload)
        } else {
            None
        };
        match canonical {
            None => {
                hasher.add(b"bytes");
                hasher.add(payload);
            }
            Some(text) => self.selection.absorb(&mut hasher, &text),
        }
        Fingerprint(hasher.finish())
    }
}

impl FingerprintRules {
    /// The fingerprint of a JSON payload that came without a request's head.
    pub(crate) fn of_payload(&self, payload: &[u8]) -> Fingerprint {
        let mut hasher = Hasher::new(DOMAIN);
        hasher.add(b"no request");
        let unfinished = Unfinished {
            hasher,
            is_json: true,
        };
        self.finish(unfinished, payload)
    }
}

/// A fingerprint that still lacks the payload.
#[derive(Clone, Debug)]
pub(crate) struct Unfinished {
    hasher: Hasher,
    is_json: bool,
}

/// Splits a media type, whose case does not matter, from its parameters, whose case may.
fn split_content_type(value: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let value = value.trim_ascii();
    let end = value
        .iter()
        .position(|&byte| byte == b';')
        .unwrap_or(value.len());
    let (media_type, parameters) = value.split_at(end);
    let media_type = media_type.trim_ascii_end();
    let lower = if media_type.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(media_type.to_ascii_lowercase())
    } else {
        Cow::Borrowed(media_type)
    };
    (lower, parameters)
}

fn is_json(media_type: &[u8]) -> bool {
    media_type == b"application/json" || media_type.ends_with(b"+json")
}
