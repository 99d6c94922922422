//! What the conformance tool says of a market by one of its profiles.

use std::net::SocketAddr;
use std::time::Duration;

use idem_conformance::{Profile, Report, Suite};
use idem_core::Policy;

/// So long that a duplicate finds an order in progress.
pub(crate) const ORDER_DELAY: Duration = Duration::from_secs(2);

/// The policy by which a market answers as the profile says.
pub(crate) fn policy(profile: &str) -> Policy {
    match profile {
        "reference" => Policy::reference(),
        "ietf" => Policy::ietf(),
        "stripe" => Policy::stripe(),
        other => panic!("there is no policy {other}"),
    }
}

pub(crate) async fn report(address: SocketAddr, profile: &str) -> Report {
    let profile = Profile::builtin(profile).unwrap();
    let suite = Suite::new(&format!("http://{address}"), profile).unwrap();
    // The machine may be slow, with so many servers at once.
    suite.timeout(Duration::from_secs(60)).run().await.unwrap()
}

pub(crate) fn assert_conformant(server: &str, report: &Report) {
    assert!(report.is_conformant(), "{server}: {}", report.to_text());
    // What the market has no routes for, and nothing else.
    for (outcome, reason) in report.not_run() {
        let id = outcome.scenario().id();
        assert!(
            reason.contains("probes") || reason.contains("tenants"),
            "{id}: {reason}"
        );
    }
}
