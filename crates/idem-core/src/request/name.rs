//! Names of header fields and methods, checked before anything depends on them.

use std::{fmt, str::FromStr};

/// The name of a header field, in lower case.
///
/// White space around it is dropped. The setters of [`Policy`](crate::Policy) take a text that can be read as
/// one, and panic if it cannot. If the name comes from a configuration file, parse it first:
///
/// ```
/// use idem_core::{HeaderName, Policy};
///
/// let configured = "X-Request-Key";
/// let name: HeaderName = configured.parse()?;
/// assert_eq!(name.as_str(), "x-request-key");
/// let policy = Policy::reference().header(name);
/// assert!("X Request Key".parse::<HeaderName>().is_err());
/// # Ok::<(), idem_core::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeaderName(String);

/// The name of a method, in upper case.
///
/// White space around it is dropped. HTTP's methods are case-sensitive, but `post` can only mean `POST`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MethodName(String);

/// Why a text cannot be the name of a header field or a method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// It holds nothing but white space.
    #[error("an empty name; HTTP needs at least one character, as in `{example}`")]
    Empty {
        /// A name that would be right.
        example: &'static str,
    },
    /// It holds a character that HTTP does not allow there.
    #[error(
        "`{name}`, which has {character:?} in it; HTTP allows letters, digits and \
         !#$%&'*+-.^_`|~ in a name, as in `{example}`"
    )]
    Character {
        /// The text, escaped.
        name: String,
        /// The first character that is not allowed.
        character: char,
        /// A name that would be right.
        example: &'static str,
    },
}

impl HeaderName {
    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl MethodName {
    /// The name in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HeaderName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        token(text, "Idempotency-Key").map(|name| Self(name.to_ascii_lowercase()))
    }
}

impl FromStr for MethodName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        token(text, "POST").map(|name| Self(name.to_ascii_uppercase()))
    }
}

fn token<'a>(text: &'a str, example: &'static str) -> Result<&'a str, InvalidName> {
    let name = text.trim_ascii();
    if name.is_empty() {
        return Err(InvalidName::Empty { example });
    }
    match name
        .chars()
        .find(|character| !is_token_character(*character))
    {
        None => Ok(name),
        Some(character) => Err(InvalidName::Character {
            name: name.escape_debug().to_string(),
            character,
            example,
        }),
    }
}

/// A `tchar` of RFC 9110, section 5.6.2.
fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

/// Whether bytes are a token (RFC 9110, section 5.6.2), as names of fields and parameters are.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    let is_token_byte = |byte: &u8| is_token_character(char::from(*byte));
    !bytes.is_empty() && bytes.iter().all(is_token_byte)
}

macro_rules! conversions {
    ($name:ident) => {
        impl TryFrom<&str> for $name {
            type Error = InvalidName;

            fn try_from(text: &str) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl TryFrom<&String> for $name {
            type Error = InvalidName;

            fn try_from(text: &String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

conversions!(HeaderName);
conversions!(MethodName);

/// Reads a name that a setter was given.
///
/// # Panics
/// If it is none. Setters are chained and called once, as a server starts; a policy without the name
/// would protect nothing, and nobody would notice.
#[track_caller]
pub(crate) fn accept<T>(setter: &str, name: impl TryInto<T, Error: fmt::Display>) -> T {
    match name.try_into() {
        Ok(name) => name,
        Err(error) => panic!("`{setter}` was given {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_white_space_around_a_name_are_repaired() {
        for text in [
            "Idempotency-Key",
            "idempotency-key ",
            "\tIDEMPOTENCY-KEY\r\n",
        ] {
            let name: HeaderName = text.parse().unwrap();
            assert_eq!(name.as_str(), "idempotency-key", "{text:?}");
        }
        for text in ["post", " Post ", "POST"] {
            let name: MethodName = text.parse().unwrap();
            assert_eq!(name.as_str(), "POST", "{text:?}");
        }
    }

    #[test]
    fn a_name_that_cannot_exist_is_refused_with_what_is_wrong() {
        for (text, character) in [
            ("X Request Key", ' '),
            ("Idempotency-Key:", ':'),
            (":path", ':'),
            ("Schlüssel", 'ü'),
            ("a\r\nb", '\r'),
            ("a,b", ','),
            ("\"key\"", '"'),
            ("\u{a0}key", '\u{a0}'),
            ("key\0", '\0'),
        ] {
            for error in [
                text.parse::<HeaderName>().unwrap_err(),
                text.parse::<MethodName>().unwrap_err(),
            ] {
                let found = match &error {
                    InvalidName::Character { character, .. } => *character,
                    InvalidName::Empty { .. } => panic!("{text:?} is not empty"),
                };
                assert_eq!(found, character, "{text:?}");
                assert!(!error.to_string().contains(['\r', '\n', '\0']), "{error}");
            }
        }
        for text in ["", " ", "\t\n"] {
            let error = text.parse::<HeaderName>().unwrap_err();
            assert!(error.to_string().contains("empty"), "{error}");
        }
    }
}
