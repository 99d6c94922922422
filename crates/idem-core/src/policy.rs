//! What an application decides: which requests are protected, for how long, and how duplicates are answered.

use std::{sync::Arc, time::Duration};

use crate::{
    events::Observer,
    policy::rules::{RefusalRule, RetryRule, SaveRule},
    request::{FingerprintRules, KeyFormat},
};

mod header_filter;
mod lease_term;
mod readers;
mod refusal;
mod response_rules;
mod rules;
mod setters;

pub use lease_term::LeaseTerm;
pub(crate) use refusal::CODE_HEADER;
pub use refusal::Refusal;
pub use response_rules::ResponseRules;

/// No lease is shorter: it would protect nothing.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

/// No duration is longer, so that any clock can add it: 100 years.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The conventions by which clients are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// 400 for another payload, 202 while the original runs, `{"message": …}` as the body.
    #[default]
    Reference,
    /// draft-ietf-httpapi-idempotency-key-header-07: 422 for another payload, 409 while the
    /// original runs, problem details (RFC 9457) as the body.
    Ietf,
    /// As Stripe's API documents it: 400 for another payload, 409 while the original runs, and
    /// what ran and failed is kept too.
    Stripe,
}

/// Whether a request of a protected method must carry a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRequirement {
    /// Without a key the handler runs unprotected, each time.
    Optional,
    /// Without a key the request is refused with 400.
    Required,
}

/// What happens to a request while the store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// It is refused with 503, and nothing is executed.
    Refuse,
    /// Its handler runs without protection, as if it had no key: a duplicate may run again.
    RunUnprotected,
}

/// What happens when a lease runs out and its record is still pending: its holder crashed, or is
/// cut off from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnLeaseEnd {
    /// The next request with the key takes over and executes. What the lost holder did is unknown, so its
    /// effect may happen twice.
    TakeOver,
    /// Requests with the key get "in progress", for as long as the retention, or until an operator
    /// [frees](crate::Idempotency::free) the key.
    Refuse,
}

/// Everything that an application decides. Start from a profile and change what differs.
///
/// ```
/// use std::time::Duration;
/// use idem_core::{KeyFormat, KeyRequirement, Policy};
///
/// let policy = Policy::ietf()
///     .key_requirement(KeyRequirement::Optional)
///     .key_format(KeyFormat::default().uuid())
///     .retention(Duration::from_secs(24 * 60 * 60))
///     .documentation("https://api.example.com/docs/idempotency");
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    profile: Profile,
    pub(crate) namespace: String,
    pub(crate) header: String,
    methods: Vec<String>,
    key_requirement: KeyRequirement,
    pub(crate) key_format: KeyFormat,
    pub(crate) fingerprint: FingerprintRules,
    pub(crate) credential_headers: Vec<String>,
    pub(crate) lease: Duration,
    pub(crate) retention: Duration,
    pub(crate) max_request_bytes: usize,
    max_response_bytes: usize,
    stream_after: Duration,
    saves: SaveRule,
    unrecorded_headers: Vec<String>,
    pub(crate) replay_marker: String,
    documentation: String,
    store_timeout: Duration,
    on_store_failure: OnStoreFailure,
    on_lease_end: OnLeaseEnd,
    retry_after: RetryRule,
    refusals: RefusalRule,
    pub(crate) wait: Option<Wait>,
    observer: Option<Arc<dyn Observer>>,
}

/// How duplicates wait for their original.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) at_most: Duration,
    pub(crate) waiters: usize,
}

impl Policy {
    /// The default: a key is optional, and only what succeeded (a status below 400) is kept.
    #[must_use]
    pub fn reference() -> Self {
        Self {
            profile: Profile::Reference,
            namespace: String::new(),
            header: "idempotency-key".to_owned(),
            methods: vec!["POST".to_owned(), "PATCH".to_owned()],
            key_requirement: KeyRequirement::Optional,
            key_format: KeyFormat::default(),
            fingerprint: FingerprintRules::default(),
            credential_headers: ["authorization", "cookie", "x-api-key"]
                .map(str::to_owned)
                .into(),
            lease: Duration::from_secs(30),
            retention: Duration::from_secs(60 * 60),
            max_request_bytes: 2 * 1024 * 1024,
            max_response_bytes: 1024 * 1024,
            stream_after: Duration::from_millis(100),
            saves: SaveRule::Success,
            unrecorded_headers: vec!["set-cookie".to_owned()],
            replay_marker: "idempotency-replayed".to_owned(),
            documentation:
                "https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"
                    .to_owned(),
            store_timeout: Duration::from_secs(2),
            on_store_failure: OnStoreFailure::Refuse,
            on_lease_end: OnLeaseEnd::TakeOver,
            retry_after: RetryRule::Age,
            refusals: RefusalRule::Profile,
            wait: None,
            observer: None,
        }
    }

    /// The IETF draft's answers. The key is required, as in the draft for an operation that is documented to be
    /// idempotent.
    #[must_use]
    pub fn ietf() -> Self {
        Self {
            profile: Profile::Ietf,
            key_requirement: KeyRequirement::Required,
            ..Self::reference()
        }
    }

    /// Stripe's answers. The result of everything that ran is kept, failures included: statuses below 400, 402,
    /// and 500 and above. Other client errors are refusals before anything ran, and are not kept.
    #[must_use]
    pub fn stripe() -> Self {
        Self {
            profile: Profile::Stripe,
            saves: SaveRule::WhatRan,
            ..Self::reference()
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::reference()
    }
}
