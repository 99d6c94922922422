//! What the market is protected by, whatever framework carries it.

use idem_core::{FingerprintRules, Policy};

use crate::routes::{REQUEST_LIMIT, RESPONSE_LIMIT, SHORT_RETENTION};

/// The header by which the market knows its tenants. An application takes them from what it
/// verified.
pub(crate) const TENANT: &str = "x-tenant";

/// The policy of the conventions that a built-in profile has.
pub(crate) fn policy(conventions: &str) -> Policy {
    let policy = match conventions {
        "reference" => Policy::reference(),
        "ietf" => Policy::ietf(),
        "stripe" => Policy::stripe(),
        other => panic!("there is no policy {other}"),
    };
    policy
        .max_request_bytes(REQUEST_LIMIT)
        .max_response_bytes(RESPONSE_LIMIT)
}

/// The policy of `/excluded`.
pub(crate) fn excluding(policy: Policy) -> Policy {
    policy.fingerprint(FingerprintRules::default().without(["/sentAt".parse().unwrap()]))
}

/// The policy of `/short`.
pub(crate) fn short(policy: Policy) -> Policy {
    policy.retention(SHORT_RETENTION)
}
