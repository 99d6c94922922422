//! The forms of a report.

use roxmltree::Document;
use serde_json::Value;

use crate::{
    axum_market,
    program::{File, Ran, market, run},
};

/// A run in which scenarios pass, fail and are not run.
async fn run_as(format: &str, more: &[&str]) -> Ran {
    // The server answers by other conventions than its profile says, and the profile lacks a table.
    let profile = File::new(&without_failing());
    let url = axum_market::start("ietf").await;
    let arguments = [
        "--base-url",
        &url,
        "--profile",
        profile.path(),
        "--format",
        format,
    ];
    let filters = [
        "--scenario",
        "fingerprint/other-payload",
        "--scenario",
        "key/case",
        "--scenario",
        "outcomes/failure",
    ];
    let ran = run(&[&arguments, &filters, more].concat()).await;
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    ran
}

fn without_failing() -> String {
    let text = market().content();
    let start = text.find("[failing]").unwrap();
    let end = text.find("[limits]").unwrap();
    format!("{}{}", &text[..start], &text[end..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_explains_each_failure() {
    let text = run_as("text", &[]).await.out;
    for part in [
        "passed  key/case",
        "FAILED  fingerprint/other-payload",
        "not run outcomes/failure-then-repaired (the profile names no payload that is refused ([failing]))",
        "rule:   Another payload under a key that was used is refused.",
        "source: draft-ietf-httpapi-idempotency-key-header-07, section 2.2",
        "wrong:  this request must be refused with 400, because its key was used before with another request, and was answered 422",
        "> POST /things",
        "> idempotency-key: \"k",
        "< 422",
        "1 passed, 1 failed, 1 not run",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_json() {
    let report: Value = serde_json::from_str(&run_as("json", &["--seed", "5"]).await.out).unwrap();
    assert_eq!(report["conformant"], false);
    assert_eq!(report["seed"], 5);
    assert_eq!(
        (&report["passed"], &report["failed"], &report["not_run"]),
        (&1.into(), &1.into(), &1.into())
    );
    let scenarios = report["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 3);
    let failed = scenarios
        .iter()
        .find(|scenario| scenario["verdict"] == "failed")
        .unwrap();
    assert_eq!(failed["id"], "fingerprint/other-payload");
    assert!(failed["exchange"].as_str().unwrap().contains("< 422"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junit_is_xml_with_a_case_for_each_scenario() {
    let text = run_as("junit", &[]).await.out;
    let document = Document::parse(&text).unwrap();
    let names = |tag: &str| -> Vec<String> {
        let nodes = document.descendants().filter(|node| node.has_tag_name(tag));
        let cases = nodes.map(|node| {
            if tag == "testcase" {
                node
            } else {
                node.parent().unwrap()
            }
        });
        cases
            .map(|case| case.attribute("name").unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("testcase").len(), 3);
    assert_eq!(names("failure"), ["fingerprint/other-payload"]);
    assert_eq!(names("skipped"), ["outcomes/failure-then-repaired"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markdown_is_a_table_and_goes_to_a_file_if_it_is_told_so() {
    let file = File::new("");
    let ran = run_as("markdown", &["--output", file.path()]).await;
    assert_eq!(ran.out, "");
    assert_eq!(ran.err, "1 passed, 1 failed, 1 not run\n");
    let text = file.content();
    assert!(
        text.contains("| `key/case` | Keys that differ in case only are two keys. | passed |"),
        "{text}"
    );
    assert!(text.contains("## `fingerprint/other-payload`"), "{text}");
}

#[tokio::test]
async fn a_list_needs_no_server() {
    let all = run(&["--list"]).await;
    assert_eq!(all.code, 0);
    assert!(all.out.lines().count() > 60, "{}", all.out);
    let some = run(&["--list", "--scenario", "key/"]).await;
    assert!(
        some.out.lines().all(|line| line.starts_with("key/")),
        "{}",
        some.out
    );
}

#[tokio::test]
async fn a_printed_profile_is_a_profile() {
    for name in ["reference", "ietf", "stripe"] {
        let file = File::new(&run(&["--print-profile", name]).await.out);
        let ran = run(&["--list", "--profile", file.path()]).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_report_shows_a_secret() {
    for format in ["text", "json", "junit", "markdown"] {
        let secret = [
            "--header",
            "Authorization: Bearer 0123456789",
            "--header",
            "X-Api-Key: 9876543210",
        ];
        let ran = run_as(format, &secret).await;
        assert!(ran.out.contains("redacted"), "{format}: {}", ran.out);
        for secret in ["0123456789", "9876543210"] {
            assert!(!ran.out.contains(secret), "{format}: {}", ran.out);
        }
    }
}
