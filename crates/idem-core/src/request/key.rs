//! The key that a client sends with a request that it may repeat.

use std::fmt;

mod format;
mod syntax;

pub use format::{KeyFormat, KeySyntax};

/// The longest key in bytes, counted after quotes and escapes are gone.
///
/// 255 is what Stripe's API documents, so clients already keep to it.
pub(crate) const MAX_KEY_BYTES: usize = 255;

/// A client's idempotency key: opaque text of 1 to [`MAX_BYTES`](IdempotencyKey::MAX_BYTES) bytes.
///
/// Keys compare byte for byte, so case counts. `Debug` shows only the length, because a key may contain
/// something that a log must not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// The longest key, in bytes.
    pub const MAX_BYTES: usize = MAX_KEY_BYTES;

    /// Takes a key that did not come in a header, such as a message's id.
    ///
    /// # Errors
    /// [`InvalidKey::Empty`] or [`InvalidKey::TooLong`].
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidKey> {
        let text = text.into();
        match text.len() {
            0 => Err(InvalidKey::Empty),
            1..=MAX_KEY_BYTES => Ok(Self(text)),
            length => Err(InvalidKey::TooLong { length }),
        }
    }

    /// Reads one field line of the header, as the default [`KeyFormat`] does.
    ///
    /// The value is a Structured Field string (RFC 8941, section 3.3.3) or bare printable ASCII
    /// without comma, quote or backslash: `"abc"` and `abc` are one key.
    ///
    /// # Errors
    /// An [`InvalidKey`] that says what was wrong and what would be right.
    pub fn parse(line: &[u8]) -> Result<Self, InvalidKey> {
        KeyFormat::default().parse([line])
    }

    /// The key's text, without quotes or escapes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({} bytes)", self.0.len())
    }
}

/// Why a key was refused; the message is fit for the client, and never repeats the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The field is there but holds nothing, or an empty string.
    #[error("the key is empty; send 1 to {MAX_KEY_BYTES} characters, such as a new UUID")]
    Empty,
    /// The key is longer than [`MAX_BYTES`](IdempotencyKey::MAX_BYTES).
    #[error("the key is {length} bytes long; send at most {MAX_KEY_BYTES}")]
    TooLong {
        /// How long it was, in bytes.
        length: usize,
    },
    /// The key is shorter than this API accepts.
    #[error("the key is {length} bytes long; this API asks for at least {minimum}")]
    TooShort {
        /// How long it was, in bytes.
        length: usize,
        /// What the API asks for, in bytes.
        minimum: usize,
    },
    /// The header has more than one line, even if they are equal.
    #[error("the header was sent more than once; send it once")]
    Repeated,
    /// A bare value has a comma, which makes it a list.
    #[error("the header holds a list; send one key, or put a key with a comma in double quotes")]
    List,
    /// A strict format wants the quotes.
    #[error("the key is not in double quotes; send it as \"…\" (a Structured Field string)")]
    NotQuoted,
    /// The string's closing quote is missing.
    #[error("the key's closing double quote is missing")]
    Unterminated,
    /// Something follows the closing quote.
    #[error("characters follow the key's closing double quote; send the quoted key alone")]
    TrailingCharacters,
    /// A backslash stands before something other than `"` or `\`.
    #[error("a backslash in the key may only stand before a double quote or a backslash")]
    InvalidEscape,
    /// A byte that the syntax does not allow.
    #[error("the key has a character that is not allowed (byte {position}); {allowed}")]
    InvalidCharacter {
        /// Where the byte stands in the field value, counted from 0.
        position: usize,
        /// What the syntax allows there.
        allowed: &'static str,
    },
    /// The key breaks a rule of the application.
    #[error("the key {requirement}")]
    Format {
        /// What a key must be, as the application put it: "must be a UUID".
        requirement: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_key() {
        let key = IdempotencyKey::new("secret-order-17").unwrap();
        assert_eq!(format!("{key:?}"), "IdempotencyKey(15 bytes)");
    }

    #[test]
    fn a_key_from_code_has_the_same_bounds() {
        assert_eq!(IdempotencyKey::new(""), Err(InvalidKey::Empty));
        assert!(IdempotencyKey::new("k".repeat(255)).is_ok());
        assert_eq!(
            IdempotencyKey::new("k".repeat(256)),
            Err(InvalidKey::TooLong { length: 256 })
        );
    }
}
