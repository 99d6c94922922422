//! All that a server is asked, group by group.

mod callers;
mod concurrency;
mod fingerprint;
mod json_payload;
mod kept;
mod key;
mod key_bytes;
mod limits;
mod methods;
mod multipart;
mod no_result;
mod other_request;
mod outcomes;
mod payload;
mod refusals;
mod replay;
mod retry_after;
mod same_field;
mod vanished;

use crate::scenario::Scenario;

const SYNTAX: &str =
    "draft-ietf-httpapi-idempotency-key-header-07, section 2.1; RFC 8941, section 3.3.3";
const UNIQUENESS: &str = "draft-ietf-httpapi-idempotency-key-header-07, section 2.2";
const EXPIRY: &str = "draft-ietf-httpapi-idempotency-key-header-07, section 2.3";
const FINGERPRINT: &str = "draft-ietf-httpapi-idempotency-key-header-07, section 2.4";
const ENFORCEMENT: &str = "draft-ietf-httpapi-idempotency-key-header-07, section 2.6";
const ERRORS: &str = "draft-ietf-httpapi-idempotency-key-header-07, section 2.7";
const SECURITY: &str = "draft-ietf-httpapi-idempotency-key-header-07, section 5";
const IDEM: &str = "idem design";

/// Every scenario, in the order in which they are played.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    let groups = [
        key::SCENARIOS,
        key_bytes::SCENARIOS,
        fingerprint::SCENARIOS,
        json_payload::SCENARIOS,
        payload::SCENARIOS,
        same_field::SCENARIOS,
        multipart::SCENARIOS,
        other_request::SCENARIOS,
        callers::SCENARIOS,
        concurrency::SCENARIOS,
        retry_after::SCENARIOS,
        vanished::SCENARIOS,
        outcomes::SCENARIOS,
        no_result::SCENARIOS,
        kept::SCENARIOS,
        replay::SCENARIOS,
        limits::SCENARIOS,
        methods::SCENARIOS,
        refusals::SCENARIOS,
    ];
    groups.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_scenario_has_an_id_of_its_own_and_says_its_rule() {
        let ids: HashSet<_> = all().map(Scenario::id).collect();
        assert_eq!(ids.len(), all().count());
        for scenario in all() {
            assert!(scenario.id().contains('/'), "{scenario:?}");
            assert!(scenario.rule().ends_with('.'), "{scenario:?}");
            assert!(
                !scenario.source().is_empty() && !scenario.numbers().is_empty(),
                "{scenario:?}"
            );
        }
    }
}
