//! The syntax of keys, against a plain reading of RFC 8941, section 3.3.3.

use idem_core::{IdempotencyKey, InvalidKey, KeyFormat, KeySyntax};

use crate::fuzzer::{fuzz, magnitude};

const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\\\",
    b"\\\"",
    b",",
    b";",
    b" ",
    b"\t",
    b"\0",
    b"\x7f",
    b"\x80",
    b"\r\n",
    b"~",
    b"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
];

// S7
// S8
#[test]
fn a_key_is_read_as_the_standard_has_it_whatever_bytes_come() {
    fuzz("key", PIECES, |input, _| {
        let lenient = KeyFormat::default();
        let strict = KeyFormat::default().syntax(KeySyntax::Strict);
        let read = lenient.parse([input]);
        let key = read.as_ref().ok().map(|key| key.as_str().to_owned());
        assert_eq!(key, plainly(input, false));
        let strictly = strict.parse([input]);
        assert_eq!(
            strictly.as_ref().ok().map(|key| key.as_str().to_owned()),
            plainly(input, true)
        );
        assert_eq!(lenient.parse([input, input]), Err(InvalidKey::Repeated));
        if let Some(key) = &key {
            let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
            assert_eq!(strict.parse([quoted.as_bytes()]).unwrap().as_str(), key);
        }
        // The message goes to the client, and repeats nothing of what came.
        let told = read.as_ref().err().map(ToString::to_string);
        assert!(told.is_none_or(|told| told.is_ascii() || told.contains('…')));
        let kind = |error: &InvalidKey| std::mem::discriminant(error);
        (
            read.as_ref()
                .map(|key| magnitude(key.as_str().len()))
                .map_err(kind),
            strictly.is_ok(),
            magnitude(input.len()),
        )
    });
}

/// The key that a field line holds, if it holds one.
fn plainly(line: &[u8], strict: bool) -> Option<String> {
    let line: String = line.iter().copied().map(char::from).collect();
    let line = line.trim_matches([' ', '\t']);
    let is_printable = |text: &str| {
        text.chars()
            .all(|character| (' '..='~').contains(&character))
    };
    let key = match line.strip_prefix('"') {
        Some(rest) => unquoted(rest.strip_suffix('"')?)?,
        None if strict || line.contains(['"', '\\', ',']) => return None,
        None => line.to_owned(),
    };
    let fits = (1..=IdempotencyKey::MAX_BYTES).contains(&key.len());
    (is_printable(&key) && fits).then_some(key)
}

/// What stands between the quotes, with its escapes undone.
fn unquoted(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => return None,
            '\\' => key.push(rest.next().filter(|next| ['"', '\\'].contains(next))?),
            other => key.push(other),
        }
    }
    Some(key)
}
