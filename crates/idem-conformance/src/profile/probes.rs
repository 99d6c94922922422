//! Operations that few servers have, and each scenario about them asks for.

use serde::Deserialize;

use super::Operation;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Probes {
    /// Takes any payload: none, `null`, text, bytes that are not text. `{unique}` is in its path.
    pub(crate) any_body: Option<Operation>,
    /// Answers with bytes that are not UTF-8.
    pub(crate) binary: Option<Operation>,
    /// Fails with `{status}` until its payload is that of `repaired`.
    pub(crate) broken: Option<Operation>,
    /// Answers with a `Date` of its own, which is past.
    pub(crate) dated: Option<Operation>,
    pub(crate) delete: Option<Operation>,
    /// Answers with a stream that never ends; its first bytes come at once.
    pub(crate) endless_stream: Option<Operation>,
    /// Answers with a stream of events.
    pub(crate) event_stream: Option<Operation>,
    /// Has a member with `{other}` that is left out of the comparison of requests.
    pub(crate) excluded: Option<Operation>,
    /// Answers with headers that `Connection` names, or `Keep-Alive`.
    pub(crate) hop_by_hop: Option<Operation>,
    /// Answers with another layer's refusal, with `{status}`, the first time that it runs with a payload.
    pub(crate) inner_refusal: Option<Operation>,
    /// Answers with more than is kept.
    pub(crate) large_response: Option<Operation>,
    /// Takes `limits.outside` bytes at most, because of a limit in front of the library.
    pub(crate) limited_outside: Option<Operation>,
    /// Answers with a `Location` and no body.
    pub(crate) location: Option<Operation>,
    /// Takes a form (`multipart/form-data`). Its body is a JSON object, whose members become the fields.
    pub(crate) multipart: Option<Operation>,
    /// Answers 204.
    pub(crate) no_content: Option<Operation>,
    /// The method and path of `operation`, with a protected method other than its own.
    pub(crate) other_method: Option<Operation>,
    /// Panics the first time that it runs with a payload.
    pub(crate) panic: Option<Operation>,
    /// Passes two layers of the library.
    pub(crate) protected_twice: Option<Operation>,
    pub(crate) put: Option<Operation>,
    /// Redirects with `{status}` to `redirected`, whose payload is its own.
    pub(crate) redirect: Option<Operation>,
    /// Where `redirect` leads.
    pub(crate) redirected: Option<Operation>,
    /// What repairs `broken`, under the same path.
    pub(crate) repaired: Option<Operation>,
    /// Answers with a header that has several lines.
    pub(crate) repeated_headers: Option<Operation>,
    /// Answers with `Set-Cookie`.
    pub(crate) set_cookie: Option<Operation>,
    /// Is replayed for `limits.short_retention_ms` only.
    pub(crate) short_lived: Option<Operation>,
    /// Answers with `{status}`.
    pub(crate) status: Option<Operation>,
}

impl Probes {
    /// Each probe that is there, with its name.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &Operation)> {
        let all = [
            ("any_body", &self.any_body),
            ("binary", &self.binary),
            ("broken", &self.broken),
            ("dated", &self.dated),
            ("delete", &self.delete),
            ("endless_stream", &self.endless_stream),
            ("event_stream", &self.event_stream),
            ("excluded", &self.excluded),
            ("hop_by_hop", &self.hop_by_hop),
            ("inner_refusal", &self.inner_refusal),
            ("large_response", &self.large_response),
            ("limited_outside", &self.limited_outside),
            ("multipart", &self.multipart),
            ("location", &self.location),
            ("no_content", &self.no_content),
            ("other_method", &self.other_method),
            ("panic", &self.panic),
            ("protected_twice", &self.protected_twice),
            ("put", &self.put),
            ("redirect", &self.redirect),
            ("redirected", &self.redirected),
            ("repaired", &self.repaired),
            ("repeated_headers", &self.repeated_headers),
            ("set_cookie", &self.set_cookie),
            ("short_lived", &self.short_lived),
            ("status", &self.status),
        ];
        all.into_iter()
            .filter_map(|(name, probe)| Some((name, probe.as_ref()?)))
    }

    /// The probe of a name.
    pub(crate) fn find(&self, name: &str) -> Option<&Operation> {
        self.named()
            .find_map(|(candidate, probe)| (candidate == name).then_some(probe))
    }
}
