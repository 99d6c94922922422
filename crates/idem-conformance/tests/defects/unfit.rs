//! A profile that does not fit its server ends the run with one line, and with the option of that line the server passes.

use std::time::Duration;

use idem_conformance::{Profile, Report, Suite};

use crate::{
    defect::Defect::{self, *},
    server,
};

const MARKET: &str = include_str!("../market/market.toml");

/// The market's profile with members added to its tables.
fn profile(members: &[(&str, &str)]) -> Profile {
    let mut text = MARKET.to_owned();
    for (table, member) in members {
        let heading = format!("[{table}]\n");
        if !text.contains(&heading) {
            text.push_str(&format!("\n{heading}"));
        }
        text = text.replace(&heading, &format!("{heading}{member}\n"));
    }
    Profile::from_toml(&text).unwrap()
}

async fn suite(defect: Defect, members: &[(&str, &str)]) -> Suite {
    let base_url = server::start("reference", defect).await;
    let suite = Suite::new(&base_url, profile(members)).unwrap();
    suite.timeout(Duration::from_secs(6)).concurrency(20)
}

async fn complaint(suite: Suite) -> String {
    let complaint = suite.run().await.unwrap_err().to_string();
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint
}

/// The scenarios that were not run, after a run in which none failed.
fn not_run(report: &Report) -> Vec<&'static str> {
    assert!(report.is_conformant(), "{}", report.to_text());
    let not_run = report.not_run();
    not_run
        .map(|(outcome, _)| outcome.scenario().id())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wants_uuids_is_recognised_and_passes_with_them() {
    let found = complaint(suite(WantsUuids, &[]).await).await;
    assert_eq!(
        found,
        "the server takes other keys than the profile's: set `format = \"uuid\"` in [key]"
    );
    let suite = suite(WantsUuids, &[("key", "format = \"uuid\"")]).await;
    let report = suite.run().await.unwrap();
    assert_eq!(not_run(&report), ["key/escapes", "key/longest", "key/case"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_quotes_is_recognised() {
    let found = complaint(suite(WantsBareKeys, &[]).await).await;
    assert_eq!(
        found,
        "the server takes other keys than the profile's: set `syntax = \"bare\"` in [key]"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_everything_with_401_is_recognised_and_passes_with_a_token() {
    let found = complaint(suite(WantsCredentials, &[]).await).await;
    assert!(
        found.starts_with("the operation is answered 401: give the server credentials"),
        "{found}"
    );
    let suite = suite(WantsCredentials, &[]).await;
    let report = suite
        .header("Authorization", "Bearer token")
        .unwrap()
        .only(["replay/identical"])
        .run()
        .await
        .unwrap();
    assert!(not_run(&report).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lets_duplicates_wait_is_recognised_and_passes_if_it_may() {
    let found = complaint(suite(DuplicatesWaitForTheOriginal, &[]).await).await;
    assert!(
        found.contains("set `duplicates = \"wait\"` in [refusals]"),
        "{found}"
    );
    let may_wait = [("refusals", "duplicates = \"wait\"")];
    let suite = suite(DuplicatesWaitForTheOriginal, &may_wait).await;
    let report = suite.run().await.unwrap();
    assert_eq!(
        not_run(&report),
        [
            "concurrency/in-progress",
            "concurrency/retry-after",
            "concurrency/mismatch-while-it-runs",
            "concurrency/other-key-meanwhile",
            "concurrency/retry-after-at-first",
            "vanished/while-it-runs",
            "refusals/in-progress",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_not_there_and_another_status_of_success_are_recognised() {
    let base_url = server::start("reference", Harmless).await;
    for (right, wrong, expected) in [
        (
            "success = [201]",
            "success = [200]",
            "set `success = [201]` in [operation]",
        ),
        (
            "path = \"/things\"",
            "path = \"/nothing\"",
            "it sends POST /nothing",
        ),
    ] {
        let profile = Profile::from_toml(&MARKET.replacen(right, wrong, 1)).unwrap();
        let found = complaint(Suite::new(&base_url, profile).unwrap()).await;
        assert!(found.contains(expected), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_without_concurrent_scenarios_does_not_ask_how_duplicates_fare() {
    let suite = suite(DuplicatesWaitForTheOriginal, &[]).await;
    let report = suite.only(["fingerprint/same-bytes"]).run().await.unwrap();
    assert!(not_run(&report).is_empty());
}
