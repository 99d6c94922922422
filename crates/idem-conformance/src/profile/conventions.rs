//! How a server answers: what a profile inherits even if its API is another one.

use serde::Deserialize;

use super::Statuses;

/// The tables of a profile that say how a server answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conventions {
    pub(crate) key: KeyRules,
    pub(crate) replay: ReplayRules,
    pub(crate) refusals: Refusals,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRules {
    pub(crate) header: String,
    pub(crate) required: bool,
    pub(crate) syntax: KeySyntax,
    /// What keys the server takes.
    #[serde(default)]
    pub(crate) format: KeyFormat,
    /// The longest key in bytes, without quotes.
    pub(crate) longest: usize,
}

/// How keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeySyntax {
    /// `"abc"` and `abc` are one key.
    Lenient,
    /// Quotes are a must.
    Strict,
    /// Quotes mean nothing, and none are sent.
    Bare,
}

/// What keys are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyFormat {
    /// Any text up to the longest length.
    #[default]
    Any,
    /// UUIDs alone.
    Uuid,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRules {
    /// The header that marks a replay; empty if there is none.
    pub(crate) marker: String,
    pub(crate) value: String,
    /// The statuses that are kept for a replay.
    pub(crate) kept: Statuses,
    /// Headers that may differ between an answer and its replay, such as a request's id.
    pub(crate) differs: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusals {
    pub(crate) shape: Shape,
    /// The header that names a refusal's code; empty if there is none.
    pub(crate) code_header: String,
    pub(crate) mismatch: u16,
    pub(crate) in_progress: u16,
    pub(crate) key_missing: u16,
    pub(crate) key_invalid: u16,
    pub(crate) payload_too_large: u16,
    pub(crate) not_kept: u16,
    /// The most seconds that `Retry-After` may name while the original runs; 0 if it may be missing.
    pub(crate) retry_after: u64,
    /// The most seconds that it may name when the original has just begun; 0 for no limit.
    #[serde(default = "soon")]
    pub(crate) first_retry_after: u64,
    /// What a duplicate gets while the original runs.
    #[serde(default)]
    pub(crate) duplicates: Duplicates,
}

/// What becomes of a duplicate while the original runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Duplicates {
    /// It is answered at once, with `in_progress`.
    #[default]
    Refused,
    /// It waits for the original, and gets its answer.
    Wait,
}

/// A person who clicked twice is willing to wait this long.
fn soon() -> u64 {
    5
}

/// What the body of a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// `{"message": …}`.
    Message,
    /// Problem details, RFC 9457.
    Problem,
    /// Anything.
    Any,
}
