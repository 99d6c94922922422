//! An answer as it came.

use bytes::Bytes;

/// An answer as it came, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Bytes,
    /// The place of its exchange in the scenario's list.
    pub(crate) exchange: usize,
}

impl Answer {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The lines in order, names in lower case.
    #[must_use]
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.body
    }

    /// Every value of a header, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let lines = self.headers.iter();
        lines
            .filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
            .collect()
    }

    /// The first value of a header, as text.
    pub(crate) fn text_of(&self, name: &str) -> Option<String> {
        let value = self.values(name).first().copied()?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.values(name).is_empty()
    }
}
