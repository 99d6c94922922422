//! What a scenario needs of a profile.

use crate::profile::{Duplicates, KeyFormat, KeySyntax, Profile};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    AnyKey,
    ApiKeys,
    CodeHeader,
    Cookies,
    Elsewhere,
    Failing,
    FirstRetryAfter,
    InProgress,
    Json,
    MarkerOrEffects(&'static str),
    Effects,
    OutsideLimit,
    Probe(&'static str),
    Quotes,
    RefreshedTenant,
    Refusals,
    RequestLimit,
    RetryAfter,
    ShortRetention,
    Slow,
    Strangers,
    Tenants,
    UnknownMembers,
}

/// A longer wait is nothing for a test.
const LONGEST_RETENTION_MS: u64 = 5_000;

impl Need {
    /// Why a profile does not meet the need; `None` if it does.
    pub(crate) fn unmet(self, profile: &Profile) -> Option<String> {
        let api = &profile.api;
        let probes = &api.probes;
        let (met, why) = match self {
            Self::AnyKey => (
                profile.conventions.key.format == KeyFormat::Any,
                "the server takes keys of one form only (key.format)",
            ),
            Self::ApiKeys => (
                api.api_keys.is_some(),
                "the profile names no two callers with API keys ([api_keys])",
            ),
            Self::CodeHeader => (
                !profile.conventions.refusals.code_header.is_empty(),
                "nothing tells a refusal from an answer of the operation (refusals.code_header)",
            ),
            Self::Cookies => (
                api.cookies.is_some(),
                "the profile names no two callers with cookies ([cookies])",
            ),
            Self::Elsewhere => (
                api.elsewhere.is_some(),
                "the profile names no other operation ([elsewhere])",
            ),
            Self::Failing => (
                api.failing.is_some(),
                "the profile names no payload that is refused ([failing])",
            ),
            Self::FirstRetryAfter => (
                profile.conventions.refusals.first_retry_after > 0,
                "the profile asks for no short wait (refusals.first_retry_after)",
            ),
            Self::InProgress => (
                profile.conventions.refusals.duplicates == Duplicates::Refused,
                "duplicates wait for the original (refusals.duplicates)",
            ),
            Self::Json => (
                api.operation.is_json(),
                "the operation takes no JSON (operation.content_type)",
            ),
            Self::Effects => (
                profile.effects_of(&api.operation).is_some(),
                "the profile does not say how effects are counted ([effects])",
            ),
            Self::MarkerOrEffects(name) => {
                let countable = probes
                    .find(name)
                    .is_some_and(|probe| profile.effects_of(probe).is_some());
                let why =
                    format!("nothing tells a replay of probes.{name} from a second execution");
                return (!profile.marks_replays() && !countable).then_some(why);
            }
            Self::OutsideLimit => (
                api.limits.outside.is_some(),
                "the profile names no limit in front of the library (limits.outside)",
            ),
            Self::Probe(name) => {
                let why = format!("the profile names no such operation ([probes.{name}])");
                return probes.find(name).is_none().then_some(why);
            }
            Self::Quotes => (
                profile.conventions.key.syntax != KeySyntax::Bare,
                "quotes mean nothing in this profile (key.syntax)",
            ),
            Self::RefreshedTenant => (
                api.tenants
                    .as_ref()
                    .is_some_and(|tenants| tenants.refreshed.is_some()),
                "the profile names no new credentials of a caller (tenants.refreshed)",
            ),
            Self::Refusals => (
                profile.conventions.refusals.shape != crate::profile::Shape::Any,
                "the profile does not say what refusals look like (refusals.shape)",
            ),
            Self::RequestLimit => (
                api.limits.request.is_some(),
                "the profile names no limit (limits.request)",
            ),
            Self::RetryAfter => (
                profile.conventions.refusals.retry_after > 0,
                "the profile does not ask for Retry-After (refusals.retry_after)",
            ),
            Self::ShortRetention => match api.limits.short_retention_ms {
                None => (
                    false,
                    "the profile names no short retention (limits.short_retention_ms)",
                ),
                Some(ms) => (
                    ms <= LONGEST_RETENTION_MS,
                    "the retention is longer than 5 s (limits.short_retention_ms)",
                ),
            },
            Self::Slow => (
                api.slow.is_some(),
                "the profile names no slow operation ([slow])",
            ),
            Self::Strangers => (
                api.strangers.is_some(),
                "the profile names no two callers ([strangers])",
            ),
            Self::Tenants => (
                api.tenants.is_some(),
                "the profile names no two callers with keys of their own ([tenants])",
            ),
            Self::UnknownMembers => (
                api.operation.is_json() && api.operation.unknown_members,
                "the operation takes no members that it does not know (operation.unknown_members)",
            ),
        };
        (!met).then(|| why.to_owned())
    }
}
