//! What a server promises, and where to find it.

mod check;
mod conventions;
mod operation;
mod probes;
mod source;
mod statuses;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use conventions::{Conventions, Duplicates, KeyFormat, KeySyntax, Shape};
pub(crate) use operation::{Effects, Operation};
pub(crate) use probes::Probes;
pub use source::InvalidProfile;
pub(crate) use statuses::Statuses;

/// The names of the profiles that come with the tool.
pub const BUILTIN: [&str; 3] = ["reference", "ietf", "stripe"];

/// What a server promises (its conventions), and the operations by which that is found out.
#[derive(Clone, Debug)]
pub struct Profile {
    name: String,
    pub(crate) conventions: Conventions,
    pub(crate) api: Api,
}

/// The operations of the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    /// Sent with every request.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) operation: Operation,
    /// How effects are counted, of operations that do not say it themselves.
    pub(crate) effects: Option<Effects>,
    pub(crate) elsewhere: Option<Operation>,
    pub(crate) slow: Option<Operation>,
    pub(crate) failing: Option<Operation>,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Two callers that nothing but their credentials tells apart.
    pub(crate) strangers: Option<Callers>,
    /// Two callers that only their API keys tell apart.
    pub(crate) api_keys: Option<Callers>,
    /// Two callers that only the last of their cookies tells apart.
    pub(crate) cookies: Option<Callers>,
    /// Two callers that the server knows, each with keys of its own.
    pub(crate) tenants: Option<Callers>,
    #[serde(default)]
    pub(crate) probes: Probes,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// The largest request body in bytes.
    pub(crate) request: Option<usize>,
    /// The largest request body of `probes.limited_outside`, in bytes.
    pub(crate) outside: Option<usize>,
    /// How long `probes.short_lived` is replayed, in milliseconds.
    pub(crate) short_retention_ms: Option<u64>,
}

/// The headers by which callers are told apart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Callers {
    pub(crate) one: BTreeMap<String, String>,
    pub(crate) other: BTreeMap<String, String>,
    /// The first caller with new credentials.
    pub(crate) refreshed: Option<BTreeMap<String, String>>,
}

impl Api {
    /// All callers that the profile names.
    pub(crate) fn callers(&self) -> impl Iterator<Item = &Callers> {
        let callers = [
            &self.strangers,
            &self.api_keys,
            &self.cookies,
            &self.tenants,
        ];
        callers.into_iter().flatten()
    }
}

impl Callers {
    /// The header sets of all its callers.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &BTreeMap<String, String>> {
        [&self.one, &self.other].into_iter().chain(&self.refreshed)
    }
}

impl Profile {
    /// A profile that comes with the tool, by its name: `reference`, `ietf` or `stripe`.
    ///
    /// Each has the answers of the policy of that name, and the goat market's operations.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let text = Self::builtin_toml(name)?;
        Some(Self::named(name, text).expect("the built-in profiles are valid, as a test shows"))
    }

    /// The text of a profile that comes with the tool, to start one's own from.
    #[must_use]
    pub fn builtin_toml(name: &str) -> Option<&'static str> {
        match name {
            "reference" => Some(include_str!("../profiles/reference.toml")),
            "ietf" => Some(include_str!("../profiles/ietf.toml")),
            "stripe" => Some(include_str!("../profiles/stripe.toml")),
            _ => None,
        }
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// The text is no TOML, or a member is unknown, missing or of the wrong kind; the error names it.
    pub fn from_toml(text: &str) -> Result<Self, InvalidProfile> {
        Self::named("custom", text)
    }

    /// Reads a profile and gives it the name that reports call it by.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml).
    pub fn named(name: &str, text: &str) -> Result<Self, InvalidProfile> {
        let (conventions, api) = source::read(text)?;
        let profile = Self {
            name: name.to_owned(),
            conventions,
            api,
        };
        check::check(&profile)?;
        Ok(profile)
    }

    /// What reports call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How effects of an operation are counted, if they can be.
    pub(crate) fn effects_of<'a>(&'a self, operation: &'a Operation) -> Option<&'a Effects> {
        operation.effects.as_ref().or(self.api.effects.as_ref())
    }

    /// Whether a duplicate's answer says by itself that it is a replay.
    pub(crate) fn marks_replays(&self) -> bool {
        !self.conventions.replay.marker.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profiles_are_valid_and_differ() {
        let [reference, ietf, stripe] = BUILTIN.map(|name| Profile::builtin(name).unwrap());
        let refusals = |profile: &Profile| {
            let refusals = &profile.conventions.refusals;
            (refusals.mismatch, refusals.in_progress)
        };
        assert_eq!(refusals(&reference), (400, 202));
        assert_eq!(refusals(&ietf), (422, 409));
        assert_eq!(refusals(&stripe), (400, 409));
        assert!(ietf.conventions.key.required && !stripe.conventions.key.required);
        assert!(stripe.conventions.replay.kept.contains(500));
        assert!(Profile::builtin("acme").is_none());
    }
}
