//! One operation of the server: how it is called, what it needs before, how its effects are counted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Statuses;
use crate::template::Template;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    #[serde(default = "post")]
    pub(crate) method: String,
    pub(crate) path: Template,
    #[serde(default = "json")]
    pub(crate) content_type: String,
    #[serde(default)]
    pub(crate) body: Template,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default = "Statuses::success")]
    pub(crate) success: Statuses,
    /// Whether it takes JSON members that it does not know.
    #[serde(default)]
    pub(crate) unknown_members: bool,
    /// What must exist first; it is created again for each use.
    #[serde(default)]
    pub(crate) setup: Vec<Step>,
    pub(crate) effects: Option<Effects>,
}

/// A request that prepares an operation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(default = "post")]
    pub(crate) method: String,
    pub(crate) path: Template,
    #[serde(default = "json")]
    pub(crate) content_type: String,
    #[serde(default)]
    pub(crate) body: Template,
    #[serde(default = "Statuses::success")]
    pub(crate) success: Statuses,
    /// Names for later templates, and the JSON Pointers of their values in the answer.
    #[serde(default)]
    pub(crate) capture: BTreeMap<String, String>,
}

/// Where effects show, and the text that is there once for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Effects {
    pub(crate) path: Template,
    pub(crate) needle: Template,
}

impl Operation {
    pub(crate) fn is_json(&self) -> bool {
        self.content_type.ends_with("json")
    }
}

fn post() -> String {
    "POST".to_owned()
}

fn json() -> String {
    "application/json".to_owned()
}
