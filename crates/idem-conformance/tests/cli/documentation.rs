//! The profiles that the documentation shows are profiles.

use idem_conformance::{Profile, Suite};

const PAGE: &str = include_str!("../../../../docs/conformance.md");

/// The TOML after a mark.
fn example(mark: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("<!-- profile: {mark} -->\n```toml\n"))
        .unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn its_examples_are_valid_profiles() {
    for mark in ["smallest", "complete"] {
        let profile = Profile::from_toml(example(mark));
        assert!(profile.is_ok(), "{mark}: {profile:?}");
    }
}

#[test]
fn its_figures_are_those_of_the_built_in_profile() {
    let profile = Profile::builtin("reference").unwrap();
    let suite = Suite::new("http://127.0.0.1:3000", profile).unwrap();
    let count = suite.scenarios().count();

    // A test of the market keeps the table true.
    let (_, table) = PAGE.split_once("### reference").unwrap();
    let (table, _) = table.split_once("###").unwrap();
    let in_table = |verdict: &str| {
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.filter(|row| row.split(" | ").nth(2) == Some(verdict))
            .count()
    };
    let (passed, not_run) = (in_table("passed"), in_table("not run"));
    assert_eq!(passed + not_run, count);
    let summary = format!("\n{passed} passed, 0 failed, {not_run} not run\n");
    assert!(PAGE.contains(&summary), "{summary}");

    for page in [
        include_str!("../../../../README.md"),
        include_str!("../../../../docs/guide/testing.md"),
    ] {
        assert!(
            page.contains(&format!("says which of {count}\n")),
            "{count}"
        );
    }
}
