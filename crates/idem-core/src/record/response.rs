//! A response without a web framework: what is recorded, replayed and refused with.

use std::{fmt, mem, ops::RangeInclusive};

use bytes::Bytes;

use crate::request::is_token;

/// The statuses that HTTP can send (RFC 9110, section 15, and the three digits of its grammar).
pub(crate) const STATUSES: RangeInclusive<u16> = 100..=999;

/// Whether HTTP can send a header line (RFC 9110, section 5.5): its value has no line end, and no control
/// character but the tab.
pub(crate) fn is_field(name: &str, value: &[u8]) -> bool {
    let is_allowed = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    is_token(name.as_bytes()) && value.iter().all(is_allowed)
}

/// A status, ordered headers and a body, in one buffer of its own.
///
/// A clone shares the buffer. `Debug` shows only the length of the body.
pub struct Response {
    status: u16,
    /// The body stands behind their lines.
    headers: Headers,
}

impl Response {
    /// Puts a response together.
    ///
    /// The body is copied. It is often a small part of a buffer, as the body of a proxy is of the one that it was
    /// read into; in a record that is kept in memory it would hold the whole buffer, and no limit would count it.
    #[must_use]
    pub fn new(status: u16, headers: Headers, body: Bytes) -> Self {
        Self::packed(status, || headers.iter(), &body)
    }

    /// The same of lines that are gone through twice, so that one allocation of the right size does.
    pub(crate) fn packed<'a, L>(status: u16, lines: impl Fn() -> L, body: &[u8]) -> Self
    where
        L: Iterator<Item = (&'a str, &'a [u8])>,
    {
        let room = |(name, value): (&str, &[u8])| LENGTHS + name.len() + value.len();
        let room = lines().map(room).sum::<usize>() + body.len();
        let mut bytes = Vec::with_capacity(room);
        lines().for_each(|(name, value)| push(&mut bytes, name, value));
        let end = bytes.len();
        bytes.extend_from_slice(body);
        let bytes = bytes.into();
        Self {
            status,
            headers: Headers { bytes, end },
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers, in order.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body; it shares the response's bytes.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.headers.bytes.slice(self.headers.end..)
    }

    pub(crate) fn body_bytes(&self) -> &[u8] {
        &self.headers.bytes[self.headers.end..]
    }

    /// How much room the response takes: the bytes of its headers and its body.
    #[must_use]
    pub fn size(&self) -> usize {
        self.headers.size() + self.body_bytes().len()
    }
}

impl Clone for Response {
    fn clone(&self) -> Self {
        let Headers { bytes, end } = &self.headers;
        Self {
            status: self.status,
            headers: Headers {
                bytes: bytes.clone(),
                end: *end,
            },
        }
    }
}

impl PartialEq for Response {
    fn eq(&self, other: &Self) -> bool {
        let head = |response: &Self| (response.status, response.headers.end);
        head(self) == head(other) && self.headers.bytes == other.headers.bytes
    }
}

impl Eq for Response {}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body_bytes().len()))
            .finish()
    }
}

/// Header lines in their order; names may repeat, and values are opaque bytes.
///
/// All of them share one buffer. `Debug` shows only the names.
#[derive(Default)]
pub struct Headers {
    /// Each line is the length of its name, that of its value, and then both. Behind the lines of a response stands its
    /// body.
    ///
    /// This is for memory. As a `Vec<(Box<str>, Box<[u8]>)>`, a record with one header takes 120 bytes more, and a
    /// fresh request makes two more allocations and takes 4 % longer.
    bytes: Bytes,
    /// Where the lines end.
    end: usize,
}

/// What stands before a name and its value in the buffer.
const LENGTHS: usize = 8;

impl Headers {
    /// Adds a line at the end.
    ///
    /// # Panics
    /// If a name or a value has 4 GiB.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.extend([(name, value)]);
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines().count()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// The lines, each as name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines().map(|(name, value)| {
            let name = std::str::from_utf8(name).expect("a name was pushed as a str");
            (name, value)
        })
    }

    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.bytes[..self.end];
        std::iter::from_fn(move || {
            let (name_length, behind) = rest.split_first_chunk()?;
            let (value_length, behind) = behind.split_first_chunk()?;
            let (name, behind) = behind.split_at(u32::from_ne_bytes(*name_length) as usize);
            let (value, behind) = behind.split_at(u32::from_ne_bytes(*value_length) as usize);
            rest = behind;
            Some((name, value))
        })
    }

    /// The bytes of all names and values.
    fn size(&self) -> usize {
        self.lines()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    /// The values of one name, which is compared without case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

fn push(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    bytes.extend_from_slice(&length(name.as_bytes()));
    bytes.extend_from_slice(&length(value));
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(value);
}

fn length(bytes: &[u8]) -> [u8; 4] {
    let length = u32::try_from(bytes.len()).expect("headers stay far below 4 GiB");
    length.to_ne_bytes()
}

/// A clone of a response's headers is a copy of them, so that it does not hold the response's body too.
impl Clone for Headers {
    fn clone(&self) -> Self {
        let bytes = if self.bytes.len() == self.end {
            self.bytes.clone()
        } else {
            Bytes::copy_from_slice(&self.bytes[..self.end])
        };
        let end = self.end;
        Self { bytes, end }
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.bytes[..self.end] == other.bytes[..other.end]
    }
}

impl Eq for Headers {}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(lines: I) -> Self {
        let mut headers = Self::default();
        headers.extend(lines);
        headers
    }
}

impl<'a> Extend<(&'a str, &'a [u8])> for Headers {
    fn extend<I: IntoIterator<Item = (&'a str, &'a [u8])>>(&mut self, lines: I) {
        // Copied only if somebody shares them. No body is behind them: a response lends its headers alone.
        let mut bytes = Vec::from(mem::take(self).bytes);
        lines
            .into_iter()
            .for_each(|(name, value)| push(&mut bytes, name, value));
        self.end = bytes.len();
        self.bytes = bytes.into();
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_and_opaque_bytes_keep_their_order() {
        let lines: [(&str, &[u8]); 4] = [("b", b"1"), ("a", b"\xff\x00"), ("b", b""), ("c", b"3")];
        let headers: Headers = lines.into_iter().collect();
        assert_eq!(headers.iter().collect::<Vec<_>>(), lines);
        assert_eq!(
            headers.values("B").collect::<Vec<_>>(),
            [b"1".as_slice(), b""]
        );
    }

    #[test]
    fn a_response_is_its_lines_and_its_body() {
        let lines: [(&str, &[u8]); 2] = [("b", b"1"), ("a", b"")];
        let whole = Response::new(201, lines.into_iter().collect(), "whole".into());
        assert!(whole.headers().iter().eq(lines));
        assert_eq!((whole.body(), whole.size()), ("whole".into(), 8));
        let nothing = Response::new(201, whole.headers().clone(), Bytes::new());
        assert_eq!(nothing.headers(), whole.headers());
        assert_ne!(nothing, whole);
        // The same bytes, of which others are the body.
        let shifted = Response::new(201, Headers::default(), whole.headers.bytes.clone());
        assert_ne!(shifted, whole);
    }

    #[test]
    fn a_line_is_added_behind_the_lines_and_not_behind_the_body() {
        let response = Response::new(201, [("a", &b"1"[..])].into_iter().collect(), "body".into());
        let mut headers = response.headers().clone();
        headers.push("b", b"2");
        let lines: [(&str, &[u8]); 2] = [("a", b"1"), ("b", b"2")];
        assert!(headers.iter().eq(lines));
        assert_eq!(
            (response.headers().len(), response.body()),
            (1, "body".into())
        );
    }

    #[test]
    fn headers_of_a_response_do_not_hold_its_body() {
        let response = Response::new(201, [("a", &b"1"[..])].into_iter().collect(), "body".into());
        let headers = response.headers().clone();
        assert_eq!(headers.bytes.len(), LENGTHS + 2);
        assert_eq!(&headers, response.headers());
        // A clone of the whole shares it, and is alone with it in the end.
        let whole = response.clone();
        drop(response);
        assert!(whole.headers.bytes.is_unique());
        assert_eq!(whole.body(), "body");
    }

    #[test]
    fn debug_shows_neither_values_nor_body() {
        let headers = [("x-secret", b"hunter2".as_slice())].into_iter().collect();
        let response = Response::new(201, headers, Bytes::from_static(b"private"));
        let shown = format!("{response:?}");
        assert!(
            shown.contains("x-secret") && shown.contains("7 bytes"),
            "{shown}"
        );
        assert!(
            !shown.contains("hunter2") && !shown.contains("private"),
            "{shown}"
        );
    }
}
