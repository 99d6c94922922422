//! Requests whose heads are made of fuzzed bytes.

use std::borrow::Cow;

use idem_core::{FingerprintRules, adapter::RequestHead, store::Fingerprint};

#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) content_type: Vec<u8>,
    pub(crate) content_encoding: Vec<Vec<u8>>,
}

impl Head {
    pub(crate) fn of_type(content_type: impl Into<Vec<u8>>) -> Self {
        Self {
            content_type: content_type.into(),
            content_encoding: Vec::new(),
        }
    }

    pub(crate) fn fingerprint(&self, payload: &[u8]) -> Fingerprint {
        FingerprintRules::default().fingerprint(self, payload)
    }
}

impl RequestHead for Head {
    fn method(&self) -> &str {
        "POST"
    }

    fn target(&self) -> &str {
        "/goats"
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let lines = match name {
            "content-type" => std::slice::from_ref(&self.content_type),
            "content-encoding" => &self.content_encoding,
            _ => &[],
        };
        lines.iter().map(Vec::as_slice)
    }
}
