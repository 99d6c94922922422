//! Fields of a JSON payload that are excluded from the fingerprint, or are the only ones in it.

use std::{borrow::Cow, str::FromStr};

use super::{json::Canonical, text};
use crate::digest::Hasher;

/// A JSON Pointer (RFC 6901), such as `/items/0/price`; the empty pointer is the whole payload.
///
/// Array elements are named by their index; `-`, the element after the last, names nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonPointer {
    pointer: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Token {
    /// The name in canonical spelling, quotes included.
    name: Vec<u8>,
    index: Option<usize>,
}

/// Why a text is not a JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePointerError {
    /// It does not begin with a slash.
    #[error("a JSON Pointer begins with `/` (or is empty), got `{0}`")]
    NoSlash(String),
    /// A tilde is not followed by 0 or 1.
    #[error("in a JSON Pointer `~` is written `~0` and `/` in a name is written `~1`, got `{0}`")]
    InvalidEscape(String),
}

impl FromStr for JsonPointer {
    type Err = ParsePointerError;

    fn from_str(pointer: &str) -> Result<Self, Self::Err> {
        let mut parts = pointer.split('/');
        if parts.next() != Some("") {
            return Err(ParsePointerError::NoSlash(pointer.to_owned()));
        }
        let tokens = parts
            .map(|part| {
                Token::parse(part).ok_or(ParsePointerError::InvalidEscape(pointer.to_owned()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            pointer: pointer.to_owned(),
            tokens,
        })
    }
}

impl Token {
    fn parse(part: &str) -> Option<Self> {
        let plain = part.replace("~0", "").replace("~1", "");
        if plain.contains('~') {
            return None;
        }
        let name = part.replace("~1", "/").replace("~0", "~");
        let is_index = name == "0" || (!name.starts_with('0') && !name.starts_with('+'));
        Some(Self {
            index: name.parse().ok().filter(|_| is_index),
            name: text::quote(&name),
        })
    }

    fn names(&self, entry: &Entry<'_>) -> bool {
        match entry.name {
            Some(name) => name == self.name,
            None => self.index == Some(entry.index),
        }
    }
}

/// Which fields count.
#[derive(Clone, Debug, Default, Hash)]
pub(super) enum Selection {
    #[default]
    Whole,
    Without(Vec<JsonPointer>),
    Only(Vec<JsonPointer>),
}

impl Selection {
    /// Hashes what counts of a payload.
    pub(super) fn absorb(&self, hasher: &mut Hasher, payload: Canonical<'_>) {
        match self {
            Self::Whole => {
                hasher.add(b"json");
                hasher.add_pieces(payload.len(), |each| payload.pieces(each));
            }
            Self::Without(fields) => {
                hasher.add(b"json without");
                hasher.add(&without(fields, &payload.whole()));
            }
            Self::Only(fields) => {
                let payload = payload.whole();
                hasher.add(b"json only");
                for field in fields {
                    hasher.add(field.pointer.as_bytes());
                    match find(&field.tokens, &payload) {
                        None => hasher.add(b"absent"),
                        Some(value) => {
                            hasher.add(b"present");
                            hasher.add(value);
                        }
                    }
                }
            }
        }
    }
}

/// The value that the tokens lead to.
fn find<'a>(tokens: &[Token], value: &'a [u8]) -> Option<&'a [u8]> {
    tokens.iter().try_fold(value, |value, token| {
        let mut entries = Entries::of(value)?;
        entries
            .find(|entry| token.names(entry))
            .map(|entry| entry.value)
    })
}

fn without<'a>(fields: &[JsonPointer], payload: &'a [u8]) -> Cow<'a, [u8]> {
    let paths: Vec<&[Token]> = fields.iter().map(|field| &field.tokens[..]).collect();
    if paths.iter().any(|path| path.is_empty()) {
        return Cow::Borrowed(b"");
    }
    let mut kept = Vec::with_capacity(payload.len());
    write_without(&paths, payload, &mut kept);
    Cow::Owned(kept)
}

/// Copies a value but for what the paths lead to; it recurses once for each token of a path.
fn write_without(paths: &[&[Token]], value: &[u8], kept: &mut Vec<u8>) {
    let entries = match Entries::of(value) {
        Some(entries) if !paths.is_empty() => entries,
        _ => return kept.extend_from_slice(value),
    };
    kept.push(value[0]);
    let begin = kept.len();
    for entry in entries {
        let inner: Vec<&[Token]> = paths
            .iter()
            .filter_map(|path| path.split_first())
            .filter_map(|(token, rest)| token.names(&entry).then_some(rest))
            .collect();
        if inner.iter().any(|path| path.is_empty()) {
            continue;
        }
        if kept.len() > begin {
            kept.push(b',');
        }
        if let Some(name) = entry.name {
            kept.extend_from_slice(name);
            kept.push(b':');
        }
        write_without(&inner, entry.value, kept);
    }
    kept.push(value[value.len() - 1]);
}

/// A member or an element of a canonical text.
struct Entry<'a> {
    /// The name with its quotes; elements have none.
    name: Option<&'a [u8]>,
    index: usize,
    value: &'a [u8],
}

/// Walks through the members or elements of one canonical object or array.
struct Entries<'a> {
    rest: &'a [u8],
    named: bool,
    index: usize,
}

impl<'a> Entries<'a> {
    fn of(value: &'a [u8]) -> Option<Self> {
        match value {
            [open @ (b'{' | b'['), rest @ .., _] => Some(Self {
                rest,
                named: *open == b'{',
                index: 0,
            }),
            _ => None,
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length);
        // What follows is a colon, a comma, or nothing.
        self.rest = rest.get(1..).unwrap_or_default();
        taken
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let name = self.named.then(|| self.take(string_length(self.rest)));
        let value = self.take(value_length(self.rest));
        let index = self.index;
        self.index += 1;
        Some(Entry { name, index, value })
    }
}

/// The length of the value that a canonical text begins with.
fn value_length(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => at += string_length(&text[at..]),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b',' if depth == 0 => break,
            _ => at += 1,
        }
    }
    at
}

/// The length of the string that a canonical text begins with, quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        at = text::plain_end::<false>(text, at);
        match text.get(at) {
            Some(b'\\') => at += 2,
            _ => return text.len().min(at + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(texts: &[&str]) -> Vec<JsonPointer> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn left(fields: &[&str], payload: &str) -> String {
        let kept = without(&pointers(fields), payload.as_bytes()).into_owned();
        String::from_utf8(kept).unwrap()
    }

    #[test]
    fn members_and_elements_are_left_out_with_their_commas() {
        let payload = r#"{"a":1,"b":[1,{"c":2,"d":"},\""},3],"e":{}}"#;
        assert_eq!(
            left(&["/a"], payload),
            r#"{"b":[1,{"c":2,"d":"},\""},3],"e":{}}"#
        );
        assert_eq!(
            left(&["/e"], payload),
            r#"{"a":1,"b":[1,{"c":2,"d":"},\""},3]}"#
        );
        assert_eq!(left(&["/a", "/b", "/e"], payload), "{}");
        assert_eq!(
            left(&["/b/1/d", "/b/0"], payload),
            r#"{"a":1,"b":[{"c":2},3],"e":{}}"#
        );
        assert_eq!(
            left(&["/b/1", "/b/1/c"], payload),
            r#"{"a":1,"b":[1,3],"e":{}}"#
        );
        assert_eq!(left(&["/x", "/a/b", "/b/-", "/b/01"], payload), payload);
        assert_eq!(left(&["/a"], "17"), "17");
        assert_eq!(left(&[""], payload), "");
    }

    #[test]
    fn a_pointer_finds_its_field() {
        let payload = br#"{"":0,"a/b":1,"m~n":2,"q\"":[3,[4]]}"#;
        let found = |pointer: &str| find(&pointer.parse::<JsonPointer>().unwrap().tokens, payload);
        assert_eq!(found("/"), Some(b"0".as_slice()));
        assert_eq!(found("/a~1b"), Some(b"1".as_slice()));
        assert_eq!(found("/m~0n"), Some(b"2".as_slice()));
        assert_eq!(found("/q\"/1/0"), Some(b"4".as_slice()));
        assert_eq!(found("/q\"/2"), None);
        assert_eq!(found("/none"), None);
        assert_eq!(found(""), Some(payload.as_slice()));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        assert!(matches!(
            "a".parse::<JsonPointer>(),
            Err(ParsePointerError::NoSlash(_))
        ));
        for bad in ["/~", "/~2", "/a~"] {
            assert!(
                matches!(
                    bad.parse::<JsonPointer>(),
                    Err(ParsePointerError::InvalidEscape(_))
                ),
                "{bad}"
            );
        }
    }
}
