//! A response without a web framework: what is recorded, replayed and refused with.

use std::fmt;

use bytes::Bytes;

mod reading;
mod recordable;

pub(crate) use reading::is_event_stream;
pub use reading::{Frames, Reading};
pub(crate) use recordable::Recordable;

/// A status, ordered headers and a body.
///
/// `Debug` shows the body's length alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Headers,
    body: Bytes,
}

impl Response {
    /// Puts a response together.
    #[must_use]
    pub fn new(status: u16, headers: Headers, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
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

    /// The body; a clone of it shares the bytes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// How much room the response takes: the bytes of its headers and its body.
    #[must_use]
    pub fn size(&self) -> usize {
        self.headers.text.len() + self.body.len()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Header lines in their order; names may repeat, and values are opaque bytes.
///
/// All of them stand in one buffer. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    text: Vec<u8>,
    /// Where each line's name and value end in the text.
    ends: Vec<(u32, u32)>,
}

impl Headers {
    /// Adds a line at the end.
    ///
    /// # Panics
    /// If all lines together come to 4 GiB.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.text.extend_from_slice(name.as_bytes());
        let name_end = self.position();
        self.text.extend_from_slice(value);
        self.ends.push((name_end, self.position()));
    }

    fn position(&self) -> u32 {
        u32::try_from(self.text.len()).expect("headers stay far below 4 GiB")
    }

    /// The lines, each as name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, end)| {
            let name = &self.text[start..name_end as usize];
            let value = &self.text[name_end as usize..end as usize];
            start = end as usize;
            let name = std::str::from_utf8(name).expect("a name was pushed as a str");
            (name, value)
        })
    }

    /// The values of one name, which is compared without case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(lines: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in lines {
            headers.push(name, value);
        }
        headers
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
