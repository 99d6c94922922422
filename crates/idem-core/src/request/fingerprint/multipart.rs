//! The parts of a multipart payload (RFC 2046, section 5.1), without the boundary between them.
//!
//! The parsers that are kept up read a stream, and bring an asynchronous body and the `http` crate with
//! them. A fingerprint also needs another thing than they offer: they accept what is only nearly
//! right, each in its own way, and two payloads must never be the same here and differ for the
//! handler. So this reads one spelling alone, which browsers, curl and HTTP libraries write, and
//! refuses every other.

use memchr::memmem::{self, Finder};

use crate::{digest::Hasher, request::is_token};

/// More parts than any form has.
const MAX_PARTS: usize = 1024;

/// The longest head of a part, in bytes; multipart parsers draw their line near it.
const MAX_HEAD: usize = 8 * 1024;

/// The longest boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

const LINE_END: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Whether a text can be a boundary: nothing in it ends a line, and no white space is at its end.
pub(super) fn is_boundary(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    (1..=MAX_BOUNDARY).contains(&text.len())
        && text.iter().all(is_allowed)
        && text.last() != Some(&b' ')
}

#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    /// The lines before the empty one, without its line end.
    head: &'a [u8],
    content: &'a [u8],
}

/// Takes a payload apart.
///
/// `None` if the boundary stands anywhere but in a delimiter, if something is before the first
/// delimiter or behind the last, or if there are too many parts or too long ones.
pub(super) fn parts<'a>(payload: &'a [u8], boundary: &[u8]) -> Option<Vec<Part<'a>>> {
    let delimiter = [b"--", boundary].concat();
    let finder = Finder::new(&delimiter);
    let mut parts = Vec::new();
    let mut rest = payload.strip_prefix(&*delimiter)?;
    loop {
        if let Some(behind) = rest.strip_prefix(b"--") {
            return (behind.is_empty() || behind == LINE_END).then_some(parts);
        }
        if parts.len() == MAX_PARTS {
            return None;
        }
        let inside = rest.strip_prefix(LINE_END)?;
        let end = finder.find(inside)?;
        parts.push(Part::read(inside[..end].strip_suffix(LINE_END)?)?);
        rest = &inside[end + delimiter.len()..];
    }
}

impl<'a> Part<'a> {
    fn read(part: &'a [u8]) -> Option<Self> {
        let (head, content) = match part.strip_prefix(LINE_END) {
            Some(content) => (&part[..0], content),
            None => {
                let longest = part.len().min(MAX_HEAD + HEAD_END.len());
                let end = memmem::find(&part[..longest], HEAD_END)?;
                (&part[..end], &part[end + HEAD_END.len()..])
            }
        };
        let part = Self { head, content };
        part.lines().all(|field| field.is_some()).then_some(part)
    }

    /// The lines of its head as name and value; `None` for one that is not a field, or is folded.
    fn lines(self) -> impl Iterator<Item = Option<(&'a [u8], &'a [u8])>> {
        let mut rest = Some(self.head).filter(|head| !head.is_empty());
        std::iter::from_fn(move || {
            let head = rest?;
            let (line, behind) = match memmem::find(head, LINE_END) {
                Some(end) => (&head[..end], Some(&head[end + LINE_END.len()..])),
                None => (head, None),
            };
            rest = behind;
            Some(field(line))
        })
    }
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_forbidden = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\0');
    (is_token(name) && !value.iter().any(is_forbidden)).then_some((name, value.trim_ascii()))
}

/// Hashes parts in their order, each with the lines of its head, whose names have no case.
pub(super) fn absorb(parts: &[Part<'_>], hasher: &mut Hasher) {
    let add_count = |hasher: &mut Hasher, count: usize| hasher.add(&(count as u64).to_be_bytes());
    hasher.add(b"multipart");
    add_count(hasher, parts.len());
    for part in parts {
        add_count(hasher, part.lines().count());
        for (name, value) in part.lines().flatten() {
            hasher.add(&name.to_ascii_lowercase());
            hasher.add(value);
        }
        hasher.add(part.content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(payload: &str, boundary: &str) -> Option<Vec<String>> {
        let parts = parts(payload.as_bytes(), boundary.as_bytes())?;
        let content = |part: &Part<'_>| String::from_utf8(part.content.to_vec()).unwrap();
        Some(parts.iter().map(content).collect())
    }

    #[test]
    fn what_stands_between_delimiters_is_a_part() {
        for (payload, expected) in [
            ("--b--", vec![]),
            ("--b--\r\n", vec![]),
            ("--b\r\nA: 1\r\n\r\nx\r\n--b--\r\n", vec!["x"]),
            ("--b\r\nA: 1\r\n\r\n\r\n--b--", vec![""]),
            ("--b\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--", vec!["x", ""]),
            ("--b\r\n\r\n\r\n\r\n\r\n--b--", vec!["\r\n\r\n"]),
            (
                "--b\r\nA:1\r\nB:\r\n\r\n--\r\n-b\r\n--b--",
                vec!["--\r\n-b"],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(contents(payload, "b"), Some(expected), "{payload:?}");
        }
    }

    #[test]
    fn what_parsers_might_read_in_two_ways_is_refused() {
        for payload in [
            "",
            "b",
            "--b",
            "--b\r\n",
            "--b\r\n--b--",
            "--b\r\n\r\n--b--",
            "--b\r\nA: 1\r\n--b--",
            "--b\r\nA: 1\r\n\r\nx--b--",
            "--b\r\nA: 1\r\n\r\nx\n--b--",
            "--b\r\nA: 1\r\n\r\nx\r\n--b-",
            "--b\r\nA: 1\r\n\r\nx\r\n--b \r\n--b--",
            "--b\r\nA: 1\r\n\r\nx\r\n--bc\r\n--b--",
            "--b\r\nA: 1\r\n\r\nx --b\r\n--b--",
            "--b\r\nA: 1\r\n\r\nx\r\n--b--\r\nepilogue",
            "--b\r\nA: 1\r\n\r\nx\r\n--b--\r\n\r\n",
            "preamble\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--",
            "\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--",
            "--b\nA: 1\n\nx\n--b--",
            "--b\r\nA: 1\n\r\n\r\nx\r\n--b--",
            "--b\r\nA: 1\r\n 2\r\n\r\nx\r\n--b--",
            "--b\r\nA : 1\r\n\r\nx\r\n--b--",
            "--b\r\nA\r\n\r\nx\r\n--b--",
            "--b\r\nA: \0\r\n\r\nx\r\n--b--",
        ] {
            assert_eq!(contents(payload, "b"), None, "{payload:?}");
        }
    }

    #[test]
    fn heads_and_the_number_of_parts_are_bounded() {
        let with_head = |length: usize| {
            let head = format!("A:{}", "x".repeat(length - 2));
            contents(&format!("--b\r\n{head}\r\n\r\n\r\n--b--"), "b")
        };
        assert!(with_head(MAX_HEAD).is_some());
        assert!(with_head(MAX_HEAD + 1).is_none());
        let of = |count: usize| contents(&format!("{}--b--", "--b\r\n\r\n\r\n".repeat(count)), "b");
        assert!(of(MAX_PARTS).is_some());
        assert!(of(MAX_PARTS + 1).is_none());
    }
}
