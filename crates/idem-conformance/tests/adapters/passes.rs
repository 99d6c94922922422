//! What every adapter must pass. Another adapter's market has its line in the list.

use idem_conformance::{BUILTIN, Report, Suite};

use crate::{actix_market, axum_market, profiles::profile};

async fn run(base_url: &str, conventions: &str, seed: u64) -> Report {
    let suite = Suite::new(base_url, profile(conventions)).unwrap();
    suite.seed(seed).run().await.unwrap()
}

/// The market in each framework, with the name of its adapter.
async fn markets(conventions: &str) -> Vec<(&'static str, String)> {
    vec![
        ("idem-axum", axum_market::start(conventions).await),
        ("idem-actix", actix_market::start(conventions)),
    ]
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
async fn a_store_for_each_worker_is_found_out() {
    let base_url = actix_market::start_with_stores_for_each_worker("reference");
    let suite = Suite::new(&base_url, profile("reference")).unwrap();
    let report = suite.only(["concurrency/one-of-a-hundred"]).run().await;
    assert!(!report.unwrap().is_conformant());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_answer_one_seed_with_the_same_bytes() {
    let servers = markets("ietf").await;
    let first = answers(&run(&servers[0].1, "ietf", 7).await);
    for (adapter, base_url) in &servers[1..] {
        let others = answers(&run(base_url, "ietf", 7).await);
        assert_eq!(difference(&first, &others), None, "{adapter}");
    }
    let other = run(&axum_market::start("ietf").await, "ietf", 8).await;
    assert_ne!(first, answers(&other));
}

/// A run's transcript, but for how a panic is answered, which is the framework's to say.
fn answers(report: &Report) -> String {
    let transcript = report.transcript();
    let scenarios = transcript.split_inclusive("\n# ");
    let scenarios: Vec<_> = scenarios.collect();
    let (panic, others): (Vec<_>, Vec<_>) = scenarios
        .into_iter()
        .partition(|scenario| scenario.starts_with("outcomes/panic "));
    assert_eq!(panic.len(), 1);
    others.concat()
}

/// The first line in which two transcripts differ, with its number.
fn difference<'a>(one: &'a str, other: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let longest = one.lines().count().max(other.lines().count());
    let line = |text: &'a str, number| text.lines().nth(number).unwrap_or("(the end)");
    (0..longest)
        .map(|number| (number + 1, line(one, number), line(other, number)))
        .find(|(_, one, other)| one != other)
}
