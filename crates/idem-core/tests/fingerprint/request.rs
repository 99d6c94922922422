//! Requests to take fingerprints of.

use idem_core::{FingerprintRules, adapter::RequestHead, store::Fingerprint};

/// The head of a request: a POST with a JSON payload, unless it says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: &'static str,
    pub(crate) target: &'static str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Head {
    pub(crate) fn json() -> Self {
        Self::labelled("application/json")
    }

    pub(crate) fn labelled(content_type: &'static str) -> Self {
        Self::with_headers(&[("content-type", content_type)])
    }

    pub(crate) fn with_headers(headers: &[(&'static str, &'static str)]) -> Self {
        Self {
            method: "POST",
            target: "/goats?page=1",
            headers: headers.to_vec(),
        }
    }

    /// The fingerprint with no other rules than the defaults.
    pub(crate) fn fingerprint(&self, payload: impl AsRef<[u8]>) -> Fingerprint {
        FingerprintRules::default().fingerprint(self, payload.as_ref())
    }
}

impl RequestHead for Head {
    fn method(&self) -> &str {
        self.method
    }

    fn target(&self) -> &str {
        self.target
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_bytes())
    }
}

/// The fingerprint of a payload that is labelled JSON.
pub(crate) fn json(payload: impl AsRef<[u8]>) -> Fingerprint {
    Head::json().fingerprint(payload)
}
