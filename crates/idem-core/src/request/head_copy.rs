//! What counts of a request's head, kept until its payload is known.

use std::{borrow::Cow, fmt, iter, str};

use crate::request::RequestHead;

/// As long as most heads are, so that one allocation does.
const USUAL: usize = 192;

/// Method, target and the field lines that count, in one buffer: each part behind its length, so that no
/// two heads have the same bytes.
pub(crate) struct HeadCopy(Vec<u8>);

impl HeadCopy {
    /// Copies the lines of these names, which are in lower case and differ.
    pub(crate) fn of(head: &impl RequestHead, names: &[String]) -> Self {
        let mut copy = Self(Vec::with_capacity(USUAL));
        copy.add(head.method().as_bytes());
        copy.add(head.target().as_bytes());
        for name in names {
            for value in head.header(name) {
                copy.add(name.as_bytes());
                copy.add(value);
            }
        }
        copy
    }

    fn add(&mut self, part: &[u8]) {
        self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.0.extend_from_slice(part);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let mut left = &*self.0;
        iter::from_fn(move || {
            let (length, behind) = left.split_first_chunk()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (part, behind) = behind.split_at_checked(length)?;
            left = behind;
            Some(part)
        })
    }

    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut parts = self.parts().skip(2);
        iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// Whether there is a line of one of these names.
    pub(crate) fn has_any(&self, names: &[String]) -> bool {
        self.lines()
            .any(|(line, _)| names.iter().any(|name| name.as_bytes() == line))
    }

    /// A part that was text when it was copied.
    fn text(&self, index: usize) -> &str {
        let part = self.parts().nth(index).unwrap_or_default();
        str::from_utf8(part).unwrap_or_default()
    }
}

impl RequestHead for HeadCopy {
    fn method(&self) -> &str {
        self.text(0)
    }

    fn target(&self) -> &str {
        self.text(1)
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.lines()
            .filter(move |(line, _)| *line == name.as_bytes())
            .map(|(_, value)| value)
    }
}

impl fmt::Debug for HeadCopy {
    // Credentials are among the lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeadCopy({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug)]
    struct Head(String, String, Vec<(String, Vec<u8>)>);

    impl RequestHead for Head {
        fn method(&self) -> &str {
            &self.0
        }

        fn target(&self) -> &str {
            &self.1
        }

        fn route(&self) -> Option<Cow<'_, str>> {
            None
        }

        fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
            let lines = self.2.iter().filter(move |(line, _)| line == name);
            lines.map(|(_, value)| &**value)
        }
    }

    fn head() -> impl Strategy<Value = Head> {
        let line = ("[a-d]", proptest::collection::vec(any::<u8>(), 0..4));
        let lines = proptest::collection::vec(line, 0..5);
        ("[A-Z]{0,3}", "\\PC{0,6}", lines)
            .prop_map(|(method, target, lines)| Head(method, target, lines))
    }

    #[test]
    fn a_copy_shows_nothing_of_what_it_holds() {
        let lines = vec![("authorization".to_owned(), b"Bearer secret".to_vec())];
        let head = Head("POST".to_owned(), "/orders?of=heidi".to_owned(), lines);
        let copy = HeadCopy::of(&head, &["authorization".to_owned()]);
        assert_eq!(format!("{copy:?}"), "HeadCopy(78 bytes)");
    }

    proptest! {
        #[test]
        fn a_copy_says_what_its_head_said_of_the_names_that_count(head in head()) {
            let names = ["a", "b", "c"].map(str::to_owned);
            let copy = HeadCopy::of(&head, &names);
            prop_assert_eq!((copy.method(), copy.target()), (head.method(), head.target()));
            for name in &names {
                prop_assert!(copy.header(name).eq(head.header(name)), "{}", name);
            }
            prop_assert_eq!(copy.header("d").count(), 0);
            for name in ["a", "d"].map(str::to_owned) {
                let is_there = copy.header(&name).next().is_some();
                prop_assert_eq!(copy.has_any(&["e".to_owned(), name]), is_there);
            }
        }

        #[test]
        fn heads_that_differ_have_copies_that_differ(one in head(), other in head()) {
            let names = ["a", "b", "c", "d"].map(str::to_owned);
            let (copies, lines) = (
                [HeadCopy::of(&one, &names), HeadCopy::of(&other, &names)],
                |head: &Head| -> Vec<Vec<Vec<u8>>> {
                    names.iter().map(|name| head.header(name).map(<[u8]>::to_vec).collect()).collect()
                },
            );
            let same = one.0 == other.0 && one.1 == other.1 && lines(&one) == lines(&other);
            prop_assert_eq!(copies[0].as_bytes() == copies[1].as_bytes(), same);
        }
    }
}
