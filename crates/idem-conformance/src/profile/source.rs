//! Reading a profile's text, and what it extends.

use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::{Table, Value};

use super::{Api, BUILTIN, Profile, conventions::Conventions};

/// The tables that say how a server answers, and not what it does.
const CONVENTIONS: [&str; 3] = ["key", "replay", "refusals"];

/// Why a profile cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidProfile(String);

impl InvalidProfile {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

pub(super) fn read(text: &str) -> Result<(Conventions, Api), InvalidProfile> {
    let mut api = resolve(text)?;
    let mut conventions = Table::new();
    for name in CONVENTIONS {
        if let Some(table) = api.remove(name) {
            conventions.insert(name.to_owned(), table);
        }
    }
    Ok((typed(conventions)?, typed(api)?))
}

/// The tables of a text and of what it extends, merged.
fn resolve(text: &str) -> Result<Table, InvalidProfile> {
    let mut own: Table = toml::from_str(text)
        .map_err(|error| InvalidProfile::new(format!("it is no TOML: {error}")))?;
    let Some(base) = own.remove("extends") else {
        return Ok(own);
    };
    let text = base.as_str().and_then(Profile::builtin_toml);
    let base = text.ok_or_else(|| {
        let known = BUILTIN.join(", ");
        InvalidProfile::new(format!("extends: it can be one of {known}"))
    })?;
    let mut merged = resolve(base)?;
    if own.contains_key("operation") {
        merged.retain(|name, _| CONVENTIONS.contains(&name));
    }
    merge(&mut merged, own);
    Ok(merged)
}

/// Conventions are merged member by member; what describes the API is replaced as a whole.
fn merge(base: &mut Table, own: Table) {
    for (name, value) in own {
        match (base.get_mut(&name), value) {
            (Some(Value::Table(inherited)), Value::Table(members))
                if CONVENTIONS.contains(&&*name) =>
            {
                inherited.extend(members);
            }
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}

fn typed<T: DeserializeOwned>(table: Table) -> Result<T, InvalidProfile> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        let problem = problem.trim();
        InvalidProfile::new(if path == "." {
            format!("{problem}; a profile says everything itself, or `extends` a built-in one")
        } else {
            format!("{path}: {problem}")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        Profile::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn an_operation_of_its_own_inherits_the_conventions_alone() {
        let text = "extends = \"reference\"\n[refusals]\nmismatch = 409\n\
                    [operation]\npath = \"/payments\"\nbody = '{\"id\":\"{unique}\"}'";
        let profile = Profile::from_toml(text).unwrap();
        assert_eq!(profile.conventions.refusals.mismatch, 409);
        assert_eq!(profile.conventions.refusals.in_progress, 202);
        assert!(profile.api.slow.is_none());
        assert!(profile.api.effects.is_none());
    }

    #[test]
    fn without_one_it_inherits_the_api_too() {
        let profile = Profile::from_toml("extends = \"ietf\"\n[limits]\nrequest = 10").unwrap();
        assert_eq!(profile.conventions.refusals.mismatch, 422);
        assert!(profile.api.slow.is_some());
        assert_eq!(profile.api.limits.request, Some(10));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let complaints = [
            ("x = ", "it is no TOML"),
            (
                "extends = \"acme\"",
                "it can be one of reference, ietf, stripe",
            ),
            ("extends = \"reference\"\nshow = 1", "unknown field `show`"),
            (
                "extends = \"reference\"\n[refusals]\nmismatch = \"no\"",
                "refusals.mismatch: ",
            ),
            (
                "extends = \"reference\"\n[refusals]\nmismatsh = 1",
                "mismatsh",
            ),
            (
                "extends = \"reference\"\n[replay]\nkept = [\"2xx\"]",
                "write it as \"200-299\"",
            ),
            ("[operation]\npath = \"/\"", "missing field `key`"),
        ];
        for (text, expected) in complaints {
            let complaint = complaint(text);
            assert!(complaint.contains(expected), "{text}: {complaint}");
        }
    }
}
