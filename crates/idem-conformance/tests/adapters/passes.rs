//! What every adapter must pass. Another adapter's market has its line in each list.

use idem_conformance::{BUILTIN, Report, Suite};

use crate::{axum_market, profiles::profile};

async fn run(base_url: &str, conventions: &str, seed: u64) -> Report {
    let suite = Suite::new(base_url, profile(conventions)).unwrap();
    suite.seed(seed).run().await.unwrap()
}

/// The market in each framework, with the name of its adapter.
async fn markets(conventions: &str) -> Vec<(&'static str, String)> {
    vec![("idem-axum", axum_market::start(conventions).await)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapter_passes_every_scenario_in_every_profile() {
    for conventions in BUILTIN {
        for (adapter, base_url) in markets(conventions).await {
            let report = run(&base_url, conventions, 1).await;
            let passed = report.passed().count();
            assert_eq!(
                passed,
                report.outcomes().len(),
                "{adapter}: {}",
                report.to_text()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_answer_one_seed_with_the_same_bytes() {
    let servers = [markets("ietf").await, markets("ietf").await].concat();
    let first = run(&servers[0].1, "ietf", 7).await.transcript();
    for (adapter, base_url) in &servers[1..] {
        let transcript = run(base_url, "ietf", 7).await.transcript();
        assert_eq!(first, transcript, "{adapter}");
    }
    let other = run(&axum_market::start("ietf").await, "ietf", 8).await;
    assert_ne!(first, other.transcript());
}
