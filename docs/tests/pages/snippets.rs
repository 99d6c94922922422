//! What the pages show is tested, or is what is tested.

use std::{collections::BTreeSet, fs};

use idem_conformance::Profile;
use idem_docs::COMPILED;

use crate::page::{Page, Snippet, all, root};

/// Every snippet of a language, with the name of its page.
fn snippets<'p>(
    pages: &'p [Page],
    language: &'p str,
) -> impl Iterator<Item = (String, &'p Snippet)> {
    let of_page = |page: &'p Page| page.snippets.iter().map(|snippet| (page.name(), snippet));
    let is_of_language = move |(_, snippet): &(String, &Snippet)| {
        snippet.language.split(',').next() == Some(language)
    };
    pages.iter().flat_map(of_page).filter(is_of_language)
}

#[test]
fn every_page_with_rust_is_compiled() {
    for (page, snippet) in snippets(&all(), "rust") {
        if snippet.mark.starts_with(PART) || is_front_page(&page) {
            continue;
        }
        let included = format!(
            "../{}",
            page.strip_prefix("docs/").unwrap_or(&format!("../{page}"))
        );
        let is_compiled = COMPILED.contains(&included.as_str());
        assert!(is_compiled, "docs/src/lib.rs lacks {page}");
        assert!(
            !snippet.language.contains("ignore"),
            "{page} has a snippet that is ignored"
        );
        // GitHub shows these lines.
        let hides = snippet
            .text
            .lines()
            .any(|line| line == "#" || line.starts_with("# "));
        assert!(
            !hides,
            "{page} hides a line from rustdoc alone:\n{}",
            snippet.text
        );
    }
}

/// Whether a page is its crate's own front page, whose snippets are that crate's doctests.
fn is_front_page(page: &str) -> bool {
    let Some(crate_folder) = page.strip_suffix("README.md") else {
        return false;
    };
    let code = fs::read_to_string(root().join(crate_folder).join("src/lib.rs"));
    code.is_ok_and(|code| code.contains("#![doc = include_str!(\"../README.md\")]"))
}

/// Begins the mark of a snippet that is a part of a file.
const PART: &str = "<!-- part: ";

#[test]
fn a_snippet_that_is_said_to_be_part_of_a_file_is_part_of_it() {
    let mut compared = 0;
    for page in all() {
        for snippet in &page.snippets {
            let Some(name) = snippet.mark.strip_prefix(PART) else {
                continue;
            };
            let name = name.trim_end_matches(" -->");
            let file = fs::read_to_string(page.path.with_file_name(name)).unwrap();
            let is_part = file.contains(&snippet.text);
            assert!(
                is_part,
                "{} shows another {name}:\n{}",
                page.name(),
                snippet.text
            );
            compared += 1;
        }
    }
    assert!(compared >= 8, "{compared}");
}

#[test]
fn a_snippet_that_is_said_to_be_a_file_is_that_file() {
    let pages = all();
    let marked = pages
        .iter()
        .flat_map(|page| page.snippets.iter().map(move |snippet| (page, snippet)));
    let mut compared = 0;
    for (page, snippet) in marked {
        let Some(name) = snippet.mark.strip_prefix("<!-- file: ") else {
            continue;
        };
        let name = name.trim_end_matches(" -->");
        let file = fs::read_to_string(page.path.with_file_name(name)).unwrap();
        assert_eq!(snippet.text, file, "{} shows another {name}", page.name());
        compared += 1;
    }
    assert_eq!(compared, 4);
}

#[test]
fn toml_is_toml_and_profiles_are_profiles() {
    for (page, snippet) in snippets(&all(), "toml") {
        let parsed: Result<toml::Table, _> = toml::from_str(&snippet.text);
        assert!(parsed.is_ok(), "{page}: {parsed:?}");
        if snippet.mark.starts_with("<!-- profile") {
            let profile = Profile::from_toml(&snippet.text);
            assert!(profile.is_ok(), "{page}: {profile:?}");
        }
    }
}

#[test]
fn json_is_json() {
    for (page, snippet) in snippets(&all(), "json") {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&snippet.text);
        assert!(parsed.is_ok(), "{page}: {parsed:?}");
    }
}

#[test]
fn dependencies_are_the_crates_of_this_version() {
    let pages = all();
    let mut named = 0;
    for (page, snippet) in snippets(&pages, "toml") {
        let table: toml::Table = toml::from_str(&snippet.text).unwrap();
        let Some(dependencies) = table.get("dependencies").and_then(toml::Value::as_table) else {
            continue;
        };
        for (name, version) in dependencies {
            let is_there = root().join("crates").join(name).is_dir();
            assert!(is_there, "{page} names {name}, and there is no such crate");
            let version = version.get("version").unwrap_or(version).as_str().unwrap();
            let is_this = env!("CARGO_PKG_VERSION").starts_with(version);
            assert!(is_this, "{page} names {name} {version}");
            named += 1;
        }
    }
    assert!(named > 0);
}

/// The words of a text that begin so.
fn words<'t>(text: &'t str, begin: &'t str) -> BTreeSet<&'t str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let words = text.split(|character| !is_part(character));
    words
        .filter(|word| word.starts_with(begin) && *word != begin)
        .collect()
}

#[test]
fn every_metric_is_on_the_page_about_operating_it_and_no_other() {
    const METRICS: &str = include_str!("../../../crates/idem-core/src/events/metrics.rs");
    let page = include_str!("../../guide/operating.md");
    assert_eq!(words(page, "idempotency_"), words(METRICS, "idempotency_"));
}

#[test]
fn every_outcome_is_on_the_page_about_operating_it() {
    const EVENTS: &str = include_str!("../../../crates/idem-core/src/events.rs");
    let page = include_str!("../../guide/operating.md");
    let names = EVENTS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::"));
    let names = names.filter_map(|line| line.split('"').nth(1));
    for name in names {
        assert!(
            page.contains(&format!("`{name}`")),
            "{name} is not on the page"
        );
    }
}

#[test]
fn every_refusal_is_on_the_page_about_keys() {
    const REFUSALS: &str = include_str!("../../../crates/idem-core/src/policy/refusal.rs");
    let page = include_str!("../../guide/keys.md");
    let (_, codes) = REFUSALS.split_once("pub const fn code").unwrap();
    let (codes, _) = codes.split_once("pub const fn status").unwrap();
    let codes: Vec<&str> = codes.split('"').skip(1).step_by(2).collect();
    assert_eq!(codes.len(), 14, "{codes:?}");
    for code in codes {
        assert!(
            page.contains(&format!("`{code}`")),
            "{code} is not on the page"
        );
    }
}
