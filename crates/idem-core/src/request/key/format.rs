//! Which keys an API accepts: syntax, length, and rules of its own.

use std::{fmt, sync::Arc};

use super::{IdempotencyKey, InvalidKey, MAX_KEY_BYTES, syntax};

/// How the header's value may be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySyntax {
    /// A Structured Field string or bare printable ASCII.
    ///
    /// The default, since most clients send a bare UUID although the draft asks for quotes.
    #[default]
    Lenient,
    /// Only a Structured Field string, as in draft-ietf-httpapi-idempotency-key-header-07.
    Strict,
}

/// The keys that an API accepts.
///
/// ```
/// use idem_core::{KeyFormat, KeySyntax};
///
/// let format = KeyFormat::default()
///     .syntax(KeySyntax::Strict)
///     .min_bytes(16)
///     .must("must start with `order:`", |key| key.starts_with("order:"));
/// assert!(format.parse([b"\"order:8f2a91c07e\"".as_slice()]).is_ok());
/// assert!(format.parse([b"\"order:1\"".as_slice()]).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeyFormat {
    syntax: KeySyntax,
    min_bytes: usize,
    rules: Vec<Rule>,
}

#[derive(Clone)]
struct Rule {
    requirement: String,
    holds: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.requirement)
    }
}

impl KeyFormat {
    /// Sets how the value may be written.
    #[must_use]
    pub fn syntax(mut self, syntax: KeySyntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// Asks for keys of at least this many bytes, which makes them harder to guess.
    ///
    /// # Panics
    /// If it is more than [`IdempotencyKey::MAX_BYTES`]: every key would be refused.
    #[must_use]
    #[track_caller]
    pub fn min_bytes(mut self, minimum: usize) -> Self {
        assert!(
            minimum <= MAX_KEY_BYTES,
            "`KeyFormat::min_bytes` was given {minimum}; no key has more than {MAX_KEY_BYTES} bytes"
        );
        self.min_bytes = minimum;
        self
    }

    /// Accepts only UUIDs in their hyphenated form (RFC 9562, section 4), in either case.
    ///
    /// Keys still compare byte for byte: the same UUID in another case is another key.
    #[must_use]
    pub fn uuid(self) -> Self {
        self.must(
            "must be a UUID, such as 8e03978e-40d5-43e8-bc93-6894a57f9324",
            is_uuid,
        )
    }

    /// Adds a rule; `requirement` completes the sentence "the key …" for the client.
    #[must_use]
    pub fn must(
        mut self,
        requirement: impl Into<String>,
        holds: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.push(Rule {
            requirement: requirement.into(),
            holds: Arc::new(holds),
        });
        self
    }

    /// Reads the key from all field lines of the header.
    ///
    /// # Errors
    /// An [`InvalidKey`] that says what was wrong and what would be right; no line at all counts
    /// as [`InvalidKey::Empty`].
    pub fn parse<'a>(
        &self,
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<IdempotencyKey, InvalidKey> {
        let mut lines = lines.into_iter();
        let line = lines.next().ok_or(InvalidKey::Empty)?;
        if lines.next().is_some() {
            return Err(InvalidKey::Repeated);
        }
        self.parse_value(syntax::trim(line))
    }

    fn parse_value(&self, value: &[u8]) -> Result<IdempotencyKey, InvalidKey> {
        // Escapes at most double a key, and two quotes surround it: what is longer cannot be
        // right, and is not worth reading.
        if value.len() > 2 * MAX_KEY_BYTES + 2 {
            return Err(InvalidKey::TooLong {
                length: value.len(),
            });
        }
        let key = match value {
            [] => return Err(InvalidKey::Empty),
            [b'"', ..] => IdempotencyKey::new(syntax::quoted(value)?)?,
            _ if self.syntax == KeySyntax::Strict => return Err(InvalidKey::NotQuoted),
            _ => IdempotencyKey::new(syntax::bare(value)?)?,
        };
        self.check(&key)?;
        Ok(key)
    }

    fn check(&self, key: &IdempotencyKey) -> Result<(), InvalidKey> {
        let length = key.as_str().len();
        if length < self.min_bytes {
            return Err(InvalidKey::TooShort {
                length,
                minimum: self.min_bytes,
            });
        }
        match self.rules.iter().find(|rule| !(rule.holds)(key.as_str())) {
            None => Ok(()),
            Some(broken) => Err(InvalidKey::Format {
                requirement: broken.requirement.clone(),
            }),
        }
    }
}

fn is_uuid(key: &str) -> bool {
    key.len() == 36
        && key.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &[u8]) -> Result<String, InvalidKey> {
        IdempotencyKey::parse(line).map(|key| key.as_str().to_owned())
    }

    #[test]
    fn quoted_and_bare_are_one_key() {
        assert_eq!(parse(b"abc"), Ok("abc".into()));
        assert_eq!(parse(b"\"abc\""), Ok("abc".into()));
        assert_eq!(parse(b" \t\"abc\"\t "), Ok("abc".into()));
        assert_eq!(parse(b"order:17/retry"), Ok("order:17/retry".into()));
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(parse(br#""a\"b\\c""#), Ok(r#"a"b\c"#.into()));
        assert_eq!(parse(b"\"a,b\""), Ok("a,b".into()));
    }

    #[test]
    fn malformed_values_are_refused_with_their_reason() {
        assert_eq!(parse(b""), Err(InvalidKey::Empty));
        assert_eq!(parse(b" \t "), Err(InvalidKey::Empty));
        assert_eq!(parse(b"\"\""), Err(InvalidKey::Empty));
        assert_eq!(parse(b"\"abc"), Err(InvalidKey::Unterminated));
        assert_eq!(parse(b"\""), Err(InvalidKey::Unterminated));
        assert_eq!(parse(br#""abc\"#), Err(InvalidKey::Unterminated));
        assert_eq!(parse(b"\"abc\"d"), Err(InvalidKey::TrailingCharacters));
        assert_eq!(parse(b"\"abc\";v=1"), Err(InvalidKey::TrailingCharacters));
        assert_eq!(parse(br#""a\bc""#), Err(InvalidKey::InvalidEscape));
        assert_eq!(parse(b"a, b"), Err(InvalidKey::List));
        for byte in [b'"', b'\\', 0, b'\r', b'\n', b'\t', 0x7f, 0x80, 0xff] {
            assert!(
                matches!(
                    parse(&[b'a', byte, b'b']),
                    Err(InvalidKey::InvalidCharacter { position: 1, .. })
                ),
                "{byte:#x} in a bare key"
            );
        }
        for byte in [0, b'\r', b'\n', b'\t', 0x7f, 0xc3] {
            assert!(
                matches!(
                    parse(&[b'"', byte, b'"']),
                    Err(InvalidKey::InvalidCharacter { position: 1, .. })
                ),
                "{byte:#x} in a quoted key"
            );
        }
    }

    #[test]
    fn two_lines_are_refused_even_when_equal() {
        let lines = [b"abc".as_slice(), b"abc"];
        assert_eq!(KeyFormat::default().parse(lines), Err(InvalidKey::Repeated));
    }

    #[test]
    fn the_length_is_that_of_the_key_without_quotes_and_escapes() {
        let line = |key: String| format!("\"{key}\"").into_bytes();
        assert!(parse("k".repeat(255).as_bytes()).is_ok());
        assert!(parse(&line("k".repeat(255))).is_ok());
        assert!(parse(&line("\\\\".repeat(255))).is_ok());
        assert_eq!(
            parse("k".repeat(256).as_bytes()),
            Err(InvalidKey::TooLong { length: 256 })
        );
        assert!(matches!(
            parse("k".repeat(10_240).as_bytes()),
            Err(InvalidKey::TooLong { .. })
        ));
    }

    #[test]
    fn strict_syntax_wants_quotes() {
        let strict = KeyFormat::default().syntax(KeySyntax::Strict);
        assert_eq!(
            strict.parse([b"abc".as_slice()]),
            Err(InvalidKey::NotQuoted)
        );
        assert!(strict.parse([b"\"abc\"".as_slice()]).is_ok());
    }

    #[test]
    fn an_application_adds_its_own_rules() {
        let uuid = KeyFormat::default().uuid();
        assert!(
            uuid.parse([b"8E03978e-40d5-43e8-bc93-6894a57f9324".as_slice()])
                .is_ok()
        );
        let refused = uuid.parse([b"8e03978e40d543e8bc936894a57f9324".as_slice()]);
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .starts_with("the key must be a UUID")
        );
        assert_eq!(
            KeyFormat::default().min_bytes(4).parse([b"abc".as_slice()]),
            Err(InvalidKey::TooShort {
                length: 3,
                minimum: 4
            })
        );
    }

    #[test]
    #[should_panic(expected = "no key has more than 255 bytes")]
    fn a_minimum_that_no_key_can_have_is_refused() {
        let _ = KeyFormat::default().min_bytes(256);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(line in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(key) = IdempotencyKey::parse(&line) {
                prop_assert!((1..=MAX_KEY_BYTES).contains(&key.as_str().len()));
            }
        }

        #[test]
        fn printable_text_survives_quoting(text in "[ -~]{1,255}") {
            let line = format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""));
            let key = IdempotencyKey::parse(line.as_bytes()).unwrap();
            prop_assert_eq!(key.as_str(), text);
        }
    }
}
