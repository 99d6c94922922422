//! The tables of the reference are the code's.

use std::{collections::BTreeSet, fs, time::Duration};

use idem_core::{InvalidKey, MemoryLimits, Policy, Profile, Refusal, store::NotKept};

use crate::page::{Page, root};

const PAGE: &str = include_str!("../../guide/reference.md");
const TO_COPY: &str = include_str!("../../guide/for-your-api.md");

/// What stands under a heading of the second level.
fn section(heading: &str) -> &'static str {
    let (_, after) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    after.split("\n## ").next().unwrap()
}

/// The cells of the first table under a heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let lines = section(heading)
        .lines()
        .filter(|line| line.starts_with('|'));
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    lines.skip(2).map(cells).collect()
}

fn refusals() -> Vec<Refusal> {
    vec![
        Refusal::KeyMissing,
        Refusal::KeyInvalid(InvalidKey::NotQuoted),
        Refusal::PayloadTooLarge { limit: Some(10) },
        Refusal::PayloadUnreadable,
        Refusal::Mismatch,
        Refusal::OtherCaller,
        Refusal::InProgress {
            retry_after: Duration::from_secs(3),
        },
        Refusal::TooManyWaiters,
        Refusal::NotKept(NotKept::Stream),
        Refusal::StoreUnavailable,
        Refusal::RolledBack,
        Refusal::NotCommitted,
        Refusal::OutcomeUnknown,
        Refusal::ShuttingDown,
    ]
}

#[test]
fn each_refusal_has_its_row() {
    let expected: Vec<Vec<String>> = refusals()
        .iter()
        .map(|refusal| {
            let code = refusal.code();
            let waits = refusal
                .to_response(&Policy::ietf())
                .headers()
                .values("retry-after")
                .next()
                .is_some();
            let statuses = [Profile::Reference, Profile::Ietf, Profile::Stripe];
            let mut row = vec![format!("[`{code}`](#{code})")];
            row.extend(statuses.map(|profile| refusal.status(profile).to_string()));
            row.push(if waits { "yes" } else { "–" }.to_owned());
            row
        })
        .collect();
    assert_eq!(rows("Refusals"), expected);
}

#[test]
fn each_refusal_has_a_heading_here_and_on_the_page_to_copy() {
    for text in [PAGE, TO_COPY] {
        let anchors = Page::parse(root(), text).anchors;
        for refusal in refusals() {
            assert!(
                anchors.iter().any(|anchor| anchor == refusal.code()),
                "{}",
                refusal.code()
            );
        }
    }
}

#[test]
fn the_page_to_copy_has_the_statuses_of_the_ietf_profile() {
    for refusal in refusals() {
        let (_, after) = TO_COPY
            .split_once(&format!("\n### {}\n\n", refusal.code()))
            .unwrap();
        let status = refusal.status(Profile::Ietf).to_string();
        assert!(after.starts_with(&status), "{}", refusal.code());
    }
}

#[test]
fn the_page_to_copy_shows_a_refusal_as_it_is_sent() {
    let policy = Policy::ietf().documentation("https://api.example.com/docs/idempotency");
    let refusal = Refusal::InProgress {
        retry_after: Duration::from_secs(1),
    };
    let (_, after) = TO_COPY.split_once("```json\n").unwrap();
    let shown: serde_json::Value =
        serde_json::from_str(after.split("```").next().unwrap()).unwrap();
    let sent = refusal.to_response(&policy);
    let sent: serde_json::Value = serde_json::from_slice(&sent.body()).unwrap();
    assert_eq!(shown, sent);
}

/// The names after these words, up to a bracket or a space.
fn names(code: &'static str, words: &str) -> BTreeSet<&'static str> {
    let pieces = code.split(words).skip(1);
    pieces
        .map(|piece| piece.split(['(', '<', ' ', ',', '\n']).next().unwrap())
        .collect()
}

#[test]
fn each_setting_of_a_policy_has_its_row() {
    const SETTERS: &str = include_str!("../../../crates/idem-core/src/policy/setters.rs");
    let (setters, _) = SETTERS
        .split_once("\n#[track_caller]\nfn header_name(")
        .unwrap();
    let rows = rows("Limits and defaults");
    let named: BTreeSet<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(named, names(setters, "pub fn "));
}

#[test]
fn the_defaults_are_those_of_the_code() {
    let policy = format!("{:?}", Policy::default());
    let limits = format!("{:?}", MemoryLimits::default());
    for (shown, is) in [
        ("| `lease` | 30 s |", "lease: 30s"),
        ("| `retention` | 60 min |", "retention: 3600s"),
        (
            "| `max_request_bytes` | 2 MiB |",
            "max_request_bytes: 2097152",
        ),
        (
            "| `max_response_bytes` | 1 MiB",
            "max_response_bytes: 1048576",
        ),
        ("| `stream_after` | 100 ms |", "stream_after: 100ms"),
        ("| `store_timeout` | 2 s |", "store_timeout: 2s"),
        ("| `on_store_failure` | refuse", "on_store_failure: Refuse"),
        (
            "| `on_lease_end` | the next request takes over",
            "on_lease_end: TakeOver",
        ),
        ("| `wait` | duplicates do not wait |", "wait: None"),
        (
            "| `methods` | `POST`, `PATCH` |",
            "methods: [\"POST\", \"PATCH\"]",
        ),
        (
            "| `credential_headers` | `Authorization`, `Cookie`, `X-Api-Key` |",
            "credential_headers: [\"authorization\", \"cookie\", \"x-api-key\"]",
        ),
        ("1,000,000 records", "records: 1000000"),
        ("512 MiB", "bytes: 536870912"),
    ] {
        assert!(PAGE.contains(shown), "{shown}");
        assert!(
            policy.contains(is) || limits.contains(is),
            "{is}: {policy} {limits}"
        );
    }
}

#[test]
fn each_event_has_its_row() {
    const EVENTS: &str = include_str!("../../../crates/idem-core/src/events.rs");
    let (_, events) = EVENTS.split_once("pub enum Event<'a> {").unwrap();
    let (events, _) = events.split_once("\n}\n").unwrap();
    let variants = events.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = variants.filter(|line| line.starts_with(|first: char| first.is_uppercase()));
    let variants: Vec<&str> = variants
        .map(|line| line.split(['(', ' ', ',']).next().unwrap())
        .collect();
    let rows = rows("Events and metrics");
    let named: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(named, variants);
}

#[test]
fn each_published_crate_has_its_row_with_its_features_and_its_oldest_rust() {
    let workspace = manifest("Cargo.toml");
    let ours = workspace["workspace"]["package"]["rust-version"].as_str();
    let mut published = BTreeSet::new();
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        let manifest = manifest(&format!("crates/{name}/Cargo.toml"));
        if manifest["package"].get("publish").is_some() {
            continue;
        }
        let rows = rows("Crates and features");
        let row = rows.iter().find(|row| row[0] == format!("`{name}`"));
        let row = row.unwrap_or_else(|| panic!("the reference lacks {name}"));
        let rust = manifest["package"]["rust-version"]
            .as_str()
            .or(ours)
            .unwrap();
        assert_eq!(row[1], rust, "{name}");
        let features = manifest.get("features").and_then(toml::Value::as_table);
        for feature in features.into_iter().flat_map(toml::Table::keys) {
            let is_named = feature == "default" || row[2].contains(&format!("`{feature}`"));
            assert!(is_named, "{name}: {feature}");
        }
        published.insert(name);
    }
    assert_eq!(rows("Crates and features").len(), published.len());
}

fn manifest(path: &str) -> toml::Table {
    toml::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
}
