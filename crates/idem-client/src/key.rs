//! The key that a client sends with every attempt of one operation.

use std::{fmt, str::FromStr};

use http::HeaderValue;
use uuid::Uuid;

/// 255 is what Stripe documents and what `idem-core` accepts; Adyen accepts 64.
const MAX_BYTES: usize = 255;

/// The key of one operation: 1 to 255 bytes of printable ASCII, the same in every attempt.
///
/// Put one into a request's extensions to choose the key yourself; otherwise each operation gets a
/// [`random`](Self::random) one. Store the key before you send the request, if the operation must
/// survive a crash of your process.
///
/// `Debug` shows the length alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// A new UUID, version 7.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }

    /// Takes a key that you made or stored, without quotes around it.
    ///
    /// # Errors
    /// [`InvalidKey`] says what is wrong with the text.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidKey> {
        let text = text.into();
        match text.as_bytes() {
            [] => Err(InvalidKey::Empty),
            [b' ', ..] | [.., b' '] => Err(InvalidKey::OuterSpace),
            [b'"', ..] => Err(InvalidKey::Quoted),
            bytes if bytes.len() > MAX_BYTES => Err(InvalidKey::TooLong {
                length: bytes.len(),
            }),
            bytes => match bytes.iter().position(|byte| !matches!(byte, b' '..=b'~')) {
                Some(position) => Err(InvalidKey::InvalidCharacter { position }),
                None => Ok(Self(text)),
            },
        }
    }

    /// Derives the key from the operation's name, as a UUID of version 5. Deriving it again
    /// gives the same key.
    ///
    /// `application` keeps two programs apart that use the same names. The name must say what is
    /// asked for (`refund of invoice 1017`), and not only what it is about: a second refund of that
    /// invoice is another operation. Neither has to be ASCII.
    ///
    /// The key hides the name from nobody who can guess it.
    #[must_use]
    pub fn derived(application: &str, operation: &str) -> Self {
        let application = Uuid::new_v5(&Uuid::NAMESPACE_OID, application.as_bytes());
        let key = Uuid::new_v5(&application, operation.as_bytes());
        Self(key.to_string().into())
    }

    /// The key's text, to be stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn header_value(&self, syntax: KeySyntax) -> HeaderValue {
        let text = match syntax {
            KeySyntax::Bare => self.0.to_string(),
            KeySyntax::Structured => {
                let escaped = self.0.replace('\\', r"\\").replace('"', "\\\"");
                format!("\"{escaped}\"")
            }
        };
        let mut value = HeaderValue::try_from(text).expect("printable ASCII is a valid value");
        value.set_sensitive(true);
        value
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Self::new(text)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({} bytes)", self.0.len())
    }
}

/// How a key is written in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySyntax {
    /// `"8e03…"`, a string of Structured Fields (RFC 9651), as the IETF draft has it.
    Structured,
    /// `8e03…`, as Stripe and most payment providers have it.
    Bare,
}

/// Why a text cannot be a key. The message never repeats the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// There is no text.
    #[error("the key is empty; give it 1 to {MAX_BYTES} characters, such as a UUID")]
    Empty,
    /// The text is too long.
    #[error(
        "the key is {length} bytes long; give it at most {MAX_BYTES}, or derive a key from its text"
    )]
    TooLong {
        /// How long the text is, in bytes.
        length: usize,
    },
    /// The text begins or ends with a space, which does not arrive in a header.
    #[error("the key begins or ends with a space; leave that out")]
    OuterSpace,
    /// The text begins with a double quote.
    #[error(
        "the key begins with a double quote; give it without quotes, they are added where a server wants them"
    )]
    Quoted,
    /// The text has something other than printable ASCII.
    #[error(
        "the key has a character that is not printable ASCII (byte {position}); derive a key from its text instead"
    )]
    InvalidCharacter {
        /// Where, in bytes from 0.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(key: &str, syntax: KeySyntax) -> String {
        let value = IdempotencyKey::new(key).unwrap().header_value(syntax);
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_random_key_is_a_uuid_of_version_7_and_new_each_time() {
        let (one, other) = (IdempotencyKey::random(), IdempotencyKey::random());
        assert_ne!(one, other);
        let uuid: Uuid = one.as_str().parse().unwrap();
        assert_eq!(uuid.get_version_num(), 7);
    }

    #[test]
    fn a_derived_key_is_the_same_each_time_and_depends_on_both_names() {
        let key = IdempotencyKey::derived;
        assert_eq!(key("shop", "refund 1017"), key("shop", "refund 1017"));
        assert_ne!(key("shop", "refund 1017"), key("shop", "refund 1018"));
        assert_ne!(key("shop", "refund 1017"), key("shop2", "refund 1017"));
        // The name's end cannot pass for the application's, nor the other way round.
        assert_ne!(key("a", "bc"), key("ab", "c"));
        // Other programs derive the same: UUID 5 of UUID 5 of the OID namespace.
        assert_eq!(
            key("shop", "Käse 1").as_str(),
            "ecbd8eae-20a4-52b3-8f61-2f64f3db91c5"
        );
    }

    #[test]
    fn a_key_is_written_bare_or_as_a_structured_string() {
        assert_eq!(written("order 17", KeySyntax::Bare), "order 17");
        assert_eq!(written("order 17", KeySyntax::Structured), "\"order 17\"");
        assert_eq!(written(r#"a"b\c"#, KeySyntax::Structured), r#""a\"b\\c""#);
    }

    #[test]
    fn a_written_key_is_read_as_the_same_by_the_server() {
        for text in ["order:17/retry", r#"a"b\c"#, "a, b", &"k".repeat(255)] {
            let line = written(text, KeySyntax::Structured);
            let read = idem_core::IdempotencyKey::parse(line.as_bytes()).unwrap();
            assert_eq!(read.as_str(), text);
        }
    }

    #[test]
    fn a_text_that_would_not_arrive_is_no_key() {
        for (text, why) in [
            ("", InvalidKey::Empty),
            (" a", InvalidKey::OuterSpace),
            ("a ", InvalidKey::OuterSpace),
            ("\"a\"", InvalidKey::Quoted),
            ("a\nb", InvalidKey::InvalidCharacter { position: 1 }),
            ("Käse", InvalidKey::InvalidCharacter { position: 1 }),
            (&"k".repeat(256), InvalidKey::TooLong { length: 256 }),
        ] {
            assert_eq!(IdempotencyKey::new(text), Err(why), "{text}");
        }
    }

    #[test]
    fn neither_debug_nor_the_header_shows_the_key() {
        let key = IdempotencyKey::new("secret").unwrap();
        let value = key.header_value(KeySyntax::Structured);
        assert!(!format!("{key:?} {value:?}").contains("secret"));
    }
}
