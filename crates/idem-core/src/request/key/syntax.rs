//! Reading one field value: a Structured Field string or a bare key.

use std::borrow::Cow;

use super::InvalidKey;

const ALLOWED_BARE: &str = "a bare key is printable ASCII without comma, double quote or backslash";
const ALLOWED_QUOTED: &str = "a quoted key is printable ASCII";

/// Strips the optional white space that HTTP allows around a field value (RFC 9110, section 5.5).
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Reads a Structured Field string (RFC 8941, section 4.2.5), quotes and all.
///
/// Parameters after the string are refused: the draft's grammar is an `sf-string` alone.
pub(super) fn quoted(value: &[u8]) -> Result<Cow<'_, str>, InvalidKey> {
    let inner = value.strip_prefix(b"\"").ok_or(InvalidKey::NotQuoted)?;
    let plain = inner
        .iter()
        .position(|&byte| matches!(byte, b'"' | b'\\') || !is_printable(byte))
        .ok_or(InvalidKey::Unterminated)?;
    if inner[plain..] == *b"\"" {
        return Ok(Cow::Borrowed(text(&inner[..plain])));
    }
    unescape(inner).map(Cow::Owned)
}

fn unescape(inner: &[u8]) -> Result<String, InvalidKey> {
    let mut key = String::with_capacity(inner.len());
    let mut bytes = inner.iter().enumerate();
    while let Some((index, &byte)) = bytes.next() {
        match byte {
            b'"' if index + 1 == inner.len() => return Ok(key),
            b'"' => return Err(InvalidKey::TrailingCharacters),
            b'\\' => match bytes.next() {
                Some((_, &escaped @ (b'"' | b'\\'))) => key.push(char::from(escaped)),
                Some(_) => return Err(InvalidKey::InvalidEscape),
                None => return Err(InvalidKey::Unterminated),
            },
            byte if is_printable(byte) => key.push(char::from(byte)),
            // The opening quote stands before what is counted here.
            _ => {
                return Err(InvalidKey::InvalidCharacter {
                    position: index + 1,
                    allowed: ALLOWED_QUOTED,
                });
            }
        }
    }
    Err(InvalidKey::Unterminated)
}

/// Reads a key without quotes, as most clients send it.
pub(super) fn bare(value: &[u8]) -> Result<&str, InvalidKey> {
    // Without a branch a byte, for a key comes with each request.
    if value.iter().fold(true, |all, &byte| all & is_bare(byte)) {
        return Ok(text(value));
    }
    let position = value.iter().position(|&byte| !is_bare(byte));
    let position = position.expect("one of the bytes was found not to be allowed");
    Err(match value[position] {
        b',' => InvalidKey::List,
        _ => InvalidKey::InvalidCharacter {
            position,
            allowed: ALLOWED_BARE,
        },
    })
}

fn is_bare(byte: u8) -> bool {
    is_printable(byte) & (byte != b',') & (byte != b'"') & (byte != b'\\')
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

fn text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).expect("every byte was checked to be printable ASCII")
}
